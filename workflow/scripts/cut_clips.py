"""Cut the tracks of one shard into clips, and keep the clips."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.clips.cut import GoodClips, cut_shard
    from songwise.datasets.shard_files import read_shard
    from songwise.paths import DECODED

    dataset, tracks = read_shard(snakemake.wildcards.dataset, int(snakemake.wildcards.shard))
    inputs = {name: Path(path) for name, path in snakemake.input.items()}
    title = f"{dataset['name']} {snakemake.wildcards.shard}"
    cut_shard(GoodClips(tracks, dataset, **inputs, decoded=DECODED), Path(snakemake.output.clips), title)
