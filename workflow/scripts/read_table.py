"""Read the tracks, clips and features of a CSV of existing features."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0]):  # the input is the user's own file
    from songwise.datasets.feature_table import read_feature_table
    from songwise.datasets.shard_files import read_shard
    from songwise.features.from_table import write_shard

    _, tracks = read_shard(snakemake.wildcards.dataset, int(snakemake.wildcards.shard))
    write_shard(
        read_feature_table(Path(snakemake.input.table), snakemake.params.source, snakemake.config["dataset"]),
        tracks,
        snakemake.params.preset,
        tracks_csv=Path(snakemake.output.tracks_csv),
        clips_csv=Path(snakemake.output.clips_csv),
        fingerprints=Path(snakemake.output.fingerprints),
        features=Path(snakemake.output.features[0]),
    )
