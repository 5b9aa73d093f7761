# Inputs: the tracks of a shard, and the tables of inspect_tracks.
# Outputs: data/features/DATASET/PRESET/KEY/SHARD.parquet for presets of pretrained networks, one row per clip.
# Steps: embed_clips, which decodes and cuts the clips itself. Presets that share a network and audio share its work. The
#   weights are in the user's cache, checked before any job (songwise.plan.weights); the key has their SHA-256.

for step, names in SESSION.passes("embed_clips").items():

    rule:
        name:
            step
        input:
            state="data/raw/{dataset}/shards/{shard}.json",
            tracks_csv="data/clips/{dataset}/{shard}.tracks.csv",
            clips_csv="data/clips/{dataset}/{shard}.clips.csv",
        output:
            tables=SESSION.feature_files(names),
        log:
            f"logs/{{dataset}}/{step}/{{shard}}.log",
        benchmark:
            "benchmarks/out/{dataset}/embed_clips/{shard}.tsv"
        priority: 1  # before other shards are inspected, while the decoded tracks are kept
        conda:
            ENVIRONMENT
        resources:
            mem_mb=shard_memory,
            runtime=shard_minutes,
        params:
            presets=presets_made,
            code=code_of("clips.cut", "features.embedding"),
        script:
            "../scripts/embed_clips.py"
