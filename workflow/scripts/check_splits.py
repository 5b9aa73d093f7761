"""Stop the run if a song or a recording stands on both sides of a split."""

from pathlib import Path

from songwise.jobs import job

with job(snakemake.log[0]):
    from songwise.leakage import check_splits
    from songwise.sheet import load_tracks

    _, tracks = load_tracks(snakemake.config["dataset"])
    check_splits(
        tracks,
        tracks_csv=Path(snakemake.input.tracks_csv),
        splits_csv=Path(snakemake.input.splits_csv),
        output=Path(snakemake.output.checked),
    )
