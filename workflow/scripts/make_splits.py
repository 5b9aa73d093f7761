"""Say for every protocol and repeat in which fold each clip is tested, if enough songs are left to do so."""

from pathlib import Path

from songwise.jobs import job

with job(snakemake.log[0]):
    from songwise.census import check_survival
    from songwise.splits import make_splits

    check_survival(Path(snakemake.input.tracks_csv), snakemake.params.min_songs)
    make_splits(
        tracks_csv=Path(snakemake.input.tracks_csv),
        clips_csv=Path(snakemake.input.clips_csv),
        duplicates_csv=Path(snakemake.input.duplicates_csv),
        output=Path(snakemake.output.splits_csv),
        protocols=snakemake.params.protocols,
        seed=snakemake.params.seed,
        **snakemake.params.split,
    )
