"""Measure what one model would have claimed under a protocol that leaks."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.models.cross_validation import cross_validate

    cross_validate(
        snakemake.params.model,
        feature_tables=[Path(path) for path in snakemake.input.tables],
        frames=[Path(path) for path in snakemake.input.get("frames", [])],
        splits_csv=Path(snakemake.input.splits_csv),
        tracks_csv=Path(snakemake.input.tracks_csv),
        protocol=snakemake.wildcards.audit,
        seed=snakemake.params.seed,
        folder=Path(snakemake.output.predictions).parent,
    )
