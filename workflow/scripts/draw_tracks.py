"""Draw the portraits of the tracks that the report shows."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.report.portraits import draw_tracks

    draw_tracks(
        tracks_csv=Path(snakemake.input.tracks_csv),
        states=[Path(path) for path in snakemake.input.states],
        show=snakemake.params.show,
        max_seconds=snakemake.params.max_seconds,
        folder=Path(snakemake.output.portraits),
    )
