"""How the best model learns from more songs, and which families of features it leans on."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0]):
    from songwise.studies.best_model import study_best

    study_best(
        models=snakemake.params.models,
        presets=snakemake.params.presets,
        leaderboard=Path(snakemake.input.leaderboard),
        feature_tables=[Path(path) for path in snakemake.input.tables],
        splits_csv=Path(snakemake.input.splits_csv),
        tracks_csv=Path(snakemake.input.tracks_csv),
        duplicates_csv=Path(snakemake.input.duplicates_csv),
        protocol=snakemake.params.protocol,
        seed=snakemake.params.seed,
        folder=Path(snakemake.output.curve).parent,
    )
