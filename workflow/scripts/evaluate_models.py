"""Metrics with intervals and confusion matrices of every model, the leaderboard and the leakage table."""

from pathlib import Path

from songwise.jobs import job

with job(snakemake.log[0]):
    from songwise.evaluate import evaluate_models

    evaluate_models(
        runs=snakemake.params.runs,
        protocols=snakemake.params.protocols,
        tracks_csv=Path(snakemake.input.tracks_csv),
        splits_csv=Path(snakemake.input.splits_csv),
        seed=snakemake.params.seed,
        folder=Path(snakemake.output.leaderboard).parent,
    )
