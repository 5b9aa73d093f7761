"""Extract the features of one shard's clips, several presets in one pass."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.clips.cut import GoodClips
    from songwise.datasets.shard_files import read_shard
    from songwise.features.extract import extract_shard
    from songwise.paths import DECODED, preset_of

    shard, presets = snakemake.wildcards.shard, snakemake.params.presets
    dataset, tracks = read_shard(snakemake.wildcards.dataset, int(shard))
    inputs = {name: Path(path) for name, path in snakemake.input.items()}
    extract_shard(
        GoodClips(tracks, dataset, **inputs, decoded=DECODED),
        presets=presets,
        tables={preset_of(path): Path(path) for path in snakemake.output.tables},
        frames={preset_of(path): Path(path) for path in snakemake.output.frames},
        title=f"{dataset['name']} {shard}",
    )
