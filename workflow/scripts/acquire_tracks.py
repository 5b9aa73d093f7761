"""Bring the tracks of one shard to this machine."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.acquire.shard import acquire_shard
    from songwise.datasets.shard_files import read_shard
    from songwise.paths import audio_folder

    dataset, tracks = read_shard(snakemake.wildcards.dataset, int(snakemake.wildcards.shard))
    acquire_shard(
        tracks,
        dataset,
        folder=audio_folder(dataset["name"]),
        mirror=snakemake.config["mirror"],
        cookies=snakemake.config["cookies"],
        access=snakemake.params.access,
        attempt=snakemake.params.attempt,
        record=Path(snakemake.output.state),
    )
