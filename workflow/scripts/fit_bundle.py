"""Refit one model on all good songs, for use on new files."""

from pathlib import Path

from songwise.jobs import job

with job(snakemake.log[0]):
    from songwise.models import fit_bundle

    fit_bundle(
        snakemake.params.model,
        snakemake.params.preset,
        feature_tables=[Path(path) for path in snakemake.input.tables],
        splits_csv=Path(snakemake.input.splits_csv),
        protocol=snakemake.params.protocol,
        seed=snakemake.params.seed,
        card={"dataset": snakemake.wildcards.dataset, "clip": snakemake.params.clip},
        folder=Path(snakemake.output.bundle),
    )
