"""Stop the run if a model recorded a song, or whatever else its protocol keeps whole, on two sides of a fold."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0]):
    from songwise.datasets.sheet import load_tracks
    from songwise.splits.gate import check_fits

    _, tracks = load_tracks(snakemake.config["dataset"])
    check_fits(
        tracks,
        tracks_csv=Path(snakemake.input.tracks_csv),
        duplicates_csv=Path(snakemake.input.duplicates_csv),
        fits={Path(path): Path(path).parent.name for path in snakemake.input.fits},
        output=Path(snakemake.output.checked),
    )
