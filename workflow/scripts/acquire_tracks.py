"""Bring one shard's tracks to this machine."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0]):
    from songwise.acquire.shard import acquire_shard
    from songwise.datasets.sheet import load_shard

    dataset, tracks = load_shard(snakemake.config["dataset"], int(snakemake.wildcards.shard))
    acquire_shard(
        tracks,
        dataset,
        folder=Path("data/raw") / dataset["name"] / "audio",
        access={name: snakemake.config.get(name) for name in ("mirror", "cookies")},
        attempt=snakemake.params.attempt,
        state=Path(snakemake.output.state),
        title=f"{dataset['name']} {snakemake.wildcards.shard}",
    )
