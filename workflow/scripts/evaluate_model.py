"""Metrics with intervals and confusion matrices of one model."""

from pathlib import Path

from songwise.jobs import job

with job(snakemake.log[0]):
    from songwise.evaluate import evaluate_model

    evaluate_model(
        folder=Path(snakemake.output.metrics).parent,
        protocols=snakemake.params.protocols,
        tracks_csv=Path(snakemake.input.tracks_csv),
        splits_csv=Path(snakemake.input.splits_csv),
        params=snakemake.params.run_params,
        seed=snakemake.params.seed,
    )
