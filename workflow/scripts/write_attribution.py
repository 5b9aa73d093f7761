"""Write who made the music and under which licence."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0]):
    from songwise.acquire.attribution import write_attribution
    from songwise.datasets.sheet import load_tracks
    from songwise.files import read_json

    dataset, tracks = load_tracks(snakemake.config["dataset"])
    states = {}
    for path in snakemake.input.states:
        states |= read_json(Path(path))["tracks"]
    write_attribution(tracks, dataset, states, Path(snakemake.output.page))
