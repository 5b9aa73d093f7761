"""Describe one shard's clips by pretrained networks, several presets in one pass."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.acquire.weights import networks_cache
    from songwise.clips.cut import GoodClips
    from songwise.datasets.shard_files import read_shard
    from songwise.features.embedding import embed_shard
    from songwise.paths import DECODED, preset_of
    from songwise.plan.weights import weights_file

    shard, presets = snakemake.wildcards.shard, snakemake.params.presets
    networks = [preset["network"] for preset in presets]
    dataset, tracks = read_shard(snakemake.wildcards.dataset, int(shard))
    inputs = {name: Path(path) for name, path in snakemake.input.items()}
    embed_shard(
        GoodClips(tracks, dataset, **inputs, decoded=DECODED),
        presets=presets,
        weights={network["name"]: weights_file(network, Path()) for network in networks},
        cache=networks_cache(),
        tables={preset_of(path): Path(path) for path in snakemake.output.tables},
        title=f"{dataset['name']} {shard}",
    )
