"""Cut one shard's tracks into clips that stay."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0]):
    from songwise.clips.cut import GoodClips, cut_shard
    from songwise.datasets.sheet import load_shard

    dataset, tracks = load_shard(
        snakemake.config["dataset"], int(snakemake.wildcards.shard), clip=snakemake.config.get("clip")
    )
    inputs = {name: Path(path) for name, path in snakemake.input.items()}
    title = f"{dataset['name']} {snakemake.wildcards.shard}"
    cut_shard(GoodClips(tracks, dataset, **inputs), Path(snakemake.output.clips), title)
