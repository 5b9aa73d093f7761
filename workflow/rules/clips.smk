# Inputs: the records of acquire_tracks.
# Outputs: three tables per shard: data/clips/DATASET/SHARD.tracks.csv and SHARD.clips.csv, with facts about its tracks
#   and clips, and SHARD.fingerprints.parquet, by which copies of a recording are found.
#   With keep_clips also the clips themselves, data/clips/DATASET/SHARD/*.wav.
# Steps: inspect_tracks; cut_clips, with keep_clips only. Features do not depend on cut_clips: extract_features cuts the
#   clips itself. Otherwise adding or deleting clips would redo it.


rule inspect_tracks:
    input:
        state="data/raw/{dataset}/shards/{shard}.json",
    output:
        tracks_csv="data/clips/{dataset}/{shard}.tracks.csv",
        clips_csv="data/clips/{dataset}/{shard}.clips.csv",
        fingerprints="data/clips/{dataset}/{shard}.fingerprints.parquet",
    log:
        "logs/{dataset}/inspect_tracks/{shard}.log",
    benchmark:
        "benchmarks/out/{dataset}/inspect_tracks/{shard}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=shard_memory,
        runtime=shard_minutes,
    params:
        clip=PLAN.dataset["clip"],
        max_seconds=PLAN.dataset["max_seconds"],
        code=code_of("clips.inspect"),
    script:
        "../scripts/inspect_tracks.py"


rule cut_clips:
    input:
        state="data/raw/{dataset}/shards/{shard}.json",
        tracks_csv="data/clips/{dataset}/{shard}.tracks.csv",
        clips_csv="data/clips/{dataset}/{shard}.clips.csv",
    output:
        clips=directory("data/clips/{dataset}/{shard}"),
    log:
        "logs/{dataset}/cut_clips/{shard}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=shard_memory,
        runtime=shard_minutes,
    params:
        code=code_of("clips.cut"),
    script:
        "../scripts/cut_clips.py"
