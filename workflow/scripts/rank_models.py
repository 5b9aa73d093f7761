"""The leaderboard, the leakage table and the headline."""

from pathlib import Path

from songwise.jobs import job

with job(snakemake.log[0]):
    from songwise.evaluate import rank_models

    rank_models(
        folder=Path(snakemake.output.leaderboard).parent / "models",
        runs=snakemake.params.runs,
        protocols=snakemake.params.protocols,
        splits_csv=Path(snakemake.input.splits_csv),
        seed=snakemake.params.seed,
        outputs={name: Path(path) for name, path in snakemake.output.items()},
    )
