"""Stop the run if a song, or another unit that a protocol keeps whole, is on two sides of a split."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.datasets.shard_files import read_shards
    from songwise.splits.gate import check_splits

    _, tracks = read_shards(snakemake.wildcards.dataset)
    inputs = {name: Path(path) for name, path in snakemake.input.items()}
    check_splits(tracks, **inputs, output=Path(snakemake.output.checked))
