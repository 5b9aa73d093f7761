"""Draw the accuracy of each model under each protocol."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.figures.leakage import draw_leakage

    draw_leakage(Path(snakemake.input.leakage), snakemake.params.protocols, Path(snakemake.output.figure))
