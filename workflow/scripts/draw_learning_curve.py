"""Draw how the best model learns from more songs."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.figures.learning_curve import draw_learning_curve

    draw_learning_curve(Path(snakemake.input.curve), Path(snakemake.input.facts), Path(snakemake.output.figure))
