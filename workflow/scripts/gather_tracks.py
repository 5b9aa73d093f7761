"""Join the tables of all shards, find duplicates, and summarise what was left out."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.splits.census import gather

    gather(
        track_tables=[Path(path) for path in snakemake.input.track_tables],
        clip_tables=[Path(path) for path in snakemake.input.clip_tables],
        fingerprints=[Path(path) for path in snakemake.input.fingerprints],
        outputs={name: Path(path) for name, path in snakemake.output.items()},
    )
