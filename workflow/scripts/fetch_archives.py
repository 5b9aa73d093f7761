"""Download a data set's archives and extract its tracks from them."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.acquire.archives import fetch_archives
    from songwise.datasets.shard_files import read_shards

    dataset, tracks = read_shards(snakemake.wildcards.dataset)
    fetch_archives(
        dataset,
        tracks,
        folder=Path(snakemake.output.state).parent,
        mirror=snakemake.config["mirror"],
        code=snakemake.params.code,
        state=Path(snakemake.output.state),
    )
