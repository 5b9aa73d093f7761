"""Stop the run if a model had a song, or another unit that its protocol keeps whole, on two sides of a fold."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.datasets.shard_files import read_shards
    from songwise.paths import protocol_of
    from songwise.splits.gate import check_fits

    _, tracks = read_shards(snakemake.wildcards.dataset)
    check_fits(
        tracks,
        tracks_csv=Path(snakemake.input.tracks_csv),
        duplicates_csv=Path(snakemake.input.duplicates_csv),
        fits={Path(path): protocol_of(path) for path in snakemake.input.fits},
        output=Path(snakemake.output.checked),
    )
