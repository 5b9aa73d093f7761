"""Metrics with intervals and confusion matrices of every model, the leaderboard and the leakage table."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0]):
    from songwise.evaluation.evaluate import evaluate_models
    from songwise.tracking.dvc_view import write_dvc_view

    results = Path(snakemake.output.leaderboard).parent
    evaluate_models(
        runs=snakemake.params.runs,
        protocols=snakemake.params.protocols,
        tracks_csv=Path(snakemake.input.tracks_csv),
        duplicates_csv=Path(snakemake.input.duplicates_csv),
        splits_csv=Path(snakemake.input.splits_csv),
        seed=snakemake.params.seed,
        folder=results,
    )
    write_dvc_view(
        results=results,
        protocol=snakemake.params.protocols[0],
        metrics=Path(snakemake.output.dvc_metrics[0]).parent,
        verdicts=Path(snakemake.output.dvc_verdicts),
    )
