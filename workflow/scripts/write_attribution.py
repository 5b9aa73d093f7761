"""Write who made the music and under which licence."""

from pathlib import Path

from songwise.jobs import job

with job(snakemake.log[0]):
    from songwise.attribution import write_attribution
    from songwise.files import read_json
    from songwise.sheet import load_tracks

    dataset, tracks = load_tracks(snakemake.config["dataset"])
    states = {}
    for path in snakemake.input.states:
        states |= read_json(Path(path))["tracks"]
    write_attribution(tracks, dataset, states, Path(snakemake.output.page))
