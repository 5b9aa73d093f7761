"""Compute every model's metrics with intervals, the leaderboard, the leakage table, and DVC's view of them."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0]):
    from songwise.evaluation.leaderboard import evaluate_models
    from songwise.tracking.dvc_view import write_dvc_view

    results, protocols = Path(snakemake.output.leaderboard).parent, snakemake.params.protocols
    tables = {name: Path(snakemake.input[name]) for name in ("tracks_csv", "duplicates_csv", "splits_csv")}
    evaluate_models(
        **{name: snakemake.params[name] for name in ("runs", "kept", "stale", "about", "protocols", "seed")},
        **tables,
        folder=results,
    )
    write_dvc_view(
        results=results,
        protocol=protocols[0],
        metrics=Path(snakemake.output.dvc_metrics[0]).parent,
        verdicts=Path(snakemake.output.dvc_verdicts),
    )
