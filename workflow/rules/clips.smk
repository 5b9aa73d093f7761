# Inputs: what acquire_tracks got.
# Outputs: data/clips/DATASET/SHARD (16-bit WAV; temporary unless keep_clips), and two tables: its tracks, its clips.
# Steps: cut_clips.


rule cut_clips:
    input:
        state="data/raw/{dataset}/shards/{shard}.json",
    output:
        clips=clips_kept(directory("data/clips/{dataset}/{shard}")),
        tracks_csv="data/clips/{dataset}/{shard}.tracks.csv",
        clips_csv="data/clips/{dataset}/{shard}.clips.csv",
    log:
        "logs/{dataset}/cut_clips/{shard}.log",
    benchmark:
        "benchmarks/out/{dataset}/cut_clips/{shard}.tsv"
    conda:
        ENVIRONMENT
    params:
        clip=PLAN.dataset["clip"],
        max_seconds=PLAN.dataset["max_seconds"],
        code=code_of("clips"),
    script:
        "../scripts/cut_clips.py"
