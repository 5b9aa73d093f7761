"""Draw the confusion matrices of all models."""

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from pathlib import Path

    from songwise.figures.confusion import draw_confusions
    from songwise.files import read_rows
    from songwise.paths import results_folder, run_of

    draw_confusions(
        results_folder(snakemake.wildcards.dataset),
        [str(run_of(row)) for row in read_rows(Path(snakemake.input.leaderboard))],
        levels=snakemake.params.levels,
        truth=snakemake.params.truth,
    )
