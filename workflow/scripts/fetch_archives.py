"""Fetch a data set's archives and take its tracks out of them."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0]):
    from songwise.acquire.archives import fetch_archives
    from songwise.datasets.sheet import load_tracks

    dataset, tracks = load_tracks(snakemake.config["dataset"])
    fetch_archives(
        dataset,
        tracks,
        folder=Path("data/raw") / dataset["name"],
        mirror=snakemake.config["mirror"],
        state=Path(snakemake.output.state),
    )
