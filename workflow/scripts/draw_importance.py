"""Draw which families of features the best model needs."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.figures.importance import draw_importance

    draw_importance(Path(snakemake.input.importance), Path(snakemake.input.facts), Path(snakemake.output.figure))
