"""Measure what a fusion would have claimed under a protocol that leaks."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.models.fuse import fuse_members

    fuse_members(
        dict(
            zip(snakemake.params.model["members"], [Path(path).parent for path in snakemake.input.inner], strict=True)
        ),
        splits_csv=Path(snakemake.input.splits_csv),
        tracks_csv=Path(snakemake.input.tracks_csv),
        protocol=snakemake.wildcards.audit,
        folder=Path(snakemake.output.predictions).parent,
    )
