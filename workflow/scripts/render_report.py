"""Write one self-contained page from the tables of results/DATASET."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.report.page import render_report

    render_report(
        templates=Path(snakemake.input.templates[0]).parent,
        folder=Path(snakemake.output[0]).parent,
        protocols=snakemake.params.protocols,
        recipe=snakemake.params.recipe,
        titles=snakemake.params.titles,
        command=snakemake.params.command,
        portraits=Path(snakemake.input.portraits[0]) if snakemake.input.portraits else None,
        output=Path(snakemake.output[0]),
    )
