"""Draw the map of the songs."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.figures.song_map import draw_map

    draw_map(Path(snakemake.input.songs), Path(snakemake.input.facts), Path(snakemake.output.figure))
