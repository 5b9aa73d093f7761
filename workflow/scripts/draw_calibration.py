"""Draw how often the best model is right, by its confidence."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.figures.calibration import draw_calibration

    draw_calibration(Path(snakemake.input.bins).parent, Path(snakemake.output.figure))
