"""Compute every model's metrics with intervals, the leaderboard, and the leakage table."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.evaluation.leaderboard import evaluate_models

    tables = {name: Path(snakemake.input[name]) for name in ("tracks_csv", "duplicates_csv", "splits_csv")}
    evaluate_models(
        **{name: snakemake.params[name] for name in ("runs", "kept", "stale", "about", "protocols", "seed")},
        **tables,
        folder=Path(snakemake.output.leaderboard).parent,
    )
