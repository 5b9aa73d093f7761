"""Write who made the music and under which licence."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.acquire.attribution import write_attribution
    from songwise.datasets.shard_files import read_shards
    from songwise.files import read_json

    dataset, tracks = read_shards(snakemake.wildcards.dataset)
    states = {}
    for path in snakemake.input.states:
        states |= read_json(Path(path))["tracks"]
    write_attribution(tracks, dataset, states, Path(snakemake.output.page))
