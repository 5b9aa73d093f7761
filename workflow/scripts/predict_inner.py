"""Predict the training clips of every fold by fits on inner folds, from which a fusion chooses its weights."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.models.inner_predictions import predict_inner

    predict_inner(
        snakemake.params.model,
        feature_tables=[Path(path) for path in snakemake.input.tables],
        splits_csv=Path(snakemake.input.splits_csv),
        protocol=snakemake.wildcards.protocol,
        seed=snakemake.params.seed,
        table=Path(snakemake.output.table),
    )
