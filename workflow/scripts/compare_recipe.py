"""Compare the figures of a published system with the same models here, under its protocol and by song."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.studies.recipe import compare_recipe

    compare_recipe(
        snakemake.params.recipe, leakage_csv=Path(snakemake.input.leakage), output=Path(snakemake.output.recipe)
    )
