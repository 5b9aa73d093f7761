"""Stop the run if a song, or whatever else a protocol keeps whole, stands on two sides of a split."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0]):
    from songwise.datasets.sheet import load_tracks
    from songwise.splits.gate import check_splits

    _, tracks = load_tracks(snakemake.config["dataset"])
    inputs = {name: Path(path) for name, path in snakemake.input.items()}
    check_splits(tracks, **inputs, output=Path(snakemake.output.checked))
