"""Draw the confusion matrices of all models."""

from songwise.runtime.job import job

with job(snakemake.log[0]):
    from songwise.figures.confusion import draw_confusions
    from songwise.paths import results_folder

    draw_confusions(
        results_folder(snakemake.wildcards.dataset),
        snakemake.params.runs,
        levels=snakemake.params.levels,
        truth=snakemake.params.truth,
    )
