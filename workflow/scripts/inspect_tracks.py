"""Record the facts about each track of one shard, and about each of its clips."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.clips.inspect import inspect_shard
    from songwise.datasets.shard_files import read_shard
    from songwise.paths import DECODED

    dataset, tracks = read_shard(snakemake.wildcards.dataset, int(snakemake.wildcards.shard))
    inspect_shard(
        tracks,
        dataset,
        state=Path(snakemake.input.state),
        tracks_csv=Path(snakemake.output.tracks_csv),
        clips_csv=Path(snakemake.output.clips_csv),
        fingerprints=Path(snakemake.output.fingerprints),
        title=f"{dataset['name']} {snakemake.wildcards.shard}",
        decoded=DECODED,
    )
