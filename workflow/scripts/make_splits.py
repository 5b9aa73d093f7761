"""Decide for every protocol and repeat in which fold each clip is tested, if enough songs are left."""

from dataclasses import asdict
from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.datasets.shard_files import read_shards
    from songwise.splits.census import check_survival
    from songwise.splits.make import make_splits

    _, tracks = read_shards(snakemake.wildcards.dataset)
    check_survival(Path(snakemake.input.tracks_csv), snakemake.params.min_songs)
    make_splits(
        sheet={track.track_id: asdict(track) for track in tracks},
        **{name: Path(path) for name, path in snakemake.input.items()},
        output=Path(snakemake.output.splits_csv),
        protocols=snakemake.params.protocols,
        split=snakemake.params.split,
        seed=snakemake.params.seed,
    )
