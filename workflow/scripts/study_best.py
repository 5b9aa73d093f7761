"""Measure how the best model learns from more songs, and which families of features it needs."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.studies.best_model import study_best
    from songwise.studies.data import read_data

    tables = ("leaderboard", "splits_csv", "tracks_csv", "duplicates_csv")
    study_best(
        read_data(
            **{name: Path(snakemake.input[name]) for name in tables},
            feature_tables=[Path(path) for path in snakemake.params.tables],
            frames=[Path(path) for path in snakemake.params.frames],
            models=snakemake.params.models,
            parts=snakemake.params.parts,
            protocol=snakemake.params.protocol,
        ),
        models=snakemake.params.models,
        presets=snakemake.params.presets,
        seed=snakemake.params.seed,
        folder=Path(snakemake.output.curve).parent,
    )
