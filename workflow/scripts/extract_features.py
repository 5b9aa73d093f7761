"""Extract the features of one shard's clips, some presets in one pass."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0]):
    from songwise.clips.cut import GoodClips
    from songwise.datasets.sheet import load_shard
    from songwise.features.extract import extract_shard

    shard, presets = snakemake.wildcards.shard, snakemake.params.presets
    dataset, tracks = load_shard(snakemake.config["dataset"], int(shard), clip=snakemake.config.get("clip"))
    inputs = {name: Path(path) for name, path in snakemake.input.items()}
    extract_shard(
        GoodClips(tracks, dataset, **inputs),
        presets=presets,
        tables={Path(path).parts[-3]: Path(path) for path in snakemake.output.tables},
        frames={Path(path).parts[-3]: Path(path) for path in snakemake.output.frames},
        title=f"{dataset['name']} {shard}",
    )
