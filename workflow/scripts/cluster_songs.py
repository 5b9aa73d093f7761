"""Cluster the songs without their labels, and compare the clusters with the labels."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.studies.clusters import cluster_songs

    cluster_songs(
        leaderboard=Path(snakemake.input.leaderboard),
        feature_tables=[Path(path) for path in snakemake.params.tables],
        frames=[Path(path) for path in snakemake.params.frames],
        splits_csv=Path(snakemake.input.splits_csv),
        tracks_csv=Path(snakemake.input.tracks_csv),
        parts=snakemake.params.parts,
        protocol=snakemake.params.protocol,
        seed=snakemake.params.seed,
        folder=Path(snakemake.output.clusters).parent,
    )
