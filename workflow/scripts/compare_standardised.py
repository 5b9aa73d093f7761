"""Song accuracy of models on raw and on standardised audio, side by side."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0]):
    from songwise.studies.shortcuts import compare_standardised

    compare_standardised(
        snakemake.params.pairs,
        tracks_csv=Path(snakemake.input.tracks_csv),
        duplicates_csv=Path(snakemake.input.duplicates_csv),
        splits_csv=Path(snakemake.input.splits_csv),
        protocol=snakemake.params.protocol,
        seed=snakemake.params.seed,
        folder=Path(snakemake.output.table).parent,
        output=Path(snakemake.output.table),
    )
