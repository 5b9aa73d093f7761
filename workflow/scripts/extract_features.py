"""Extract the features of one shard's clips, all presets in one pass."""

from pathlib import Path

from songwise.jobs import job

with job(snakemake.log[0]):
    from songwise.features import extract_shard

    presets = snakemake.params.presets
    names = [preset["name"] for preset in presets]
    extract_shard(
        clips_csv=Path(snakemake.input.clips_csv),
        folder=Path(snakemake.input.clips),
        presets=presets,
        tables=dict(zip(names, map(Path, snakemake.output.tables), strict=True)),
        title=f"{snakemake.wildcards.dataset} {snakemake.wildcards.shard}",
    )
