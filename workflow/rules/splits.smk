# Inputs: the tables of every shard.
# Outputs: results/DATASET/{tracks,clips,duplicates,splits}.csv, and splits_checked.json, which training requires.
# Steps: gather_tracks -> make_splits -> check_splits.

from songwise.splits.protocols import least_groups


rule gather_tracks:
    input:
        track_tables=expand("data/clips/{{dataset}}/{shard}.tracks.csv", shard=SHARDS),
        clip_tables=expand("data/clips/{{dataset}}/{shard}.clips.csv", shard=SHARDS),
        fingerprints=expand("data/clips/{{dataset}}/{shard}.fingerprints.parquet", shard=SHARDS),
    output:
        tracks=report(
            "results/{dataset}/tracks.csv",
            category="Data",
            labels={"table": "tracks"},
            caption="../report/tracks.rst",
        ),
        clips="results/{dataset}/clips.csv",
        duplicates="results/{dataset}/duplicates.csv",
    log:
        "logs/{dataset}/gather_tracks.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code_of("splits.census"),
    script:
        "../scripts/gather_tracks.py"


rule make_splits:
    input:
        tracks_csv="results/{dataset}/tracks.csv",
        clips_csv="results/{dataset}/clips.csv",
        duplicates_csv="results/{dataset}/duplicates.csv",
    output:
        splits_csv="results/{dataset}/splits.csv",
    log:
        "logs/{dataset}/make_splits.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        min_songs=max(PLAN.settings["min_songs"], least_groups(HONEST, PLAN.dataset["split"])),
        protocols=PLAN.protocols,
        sheet=SESSION.split_columns_digest(),
        split=PLAN.dataset["split"],
        seed=PLAN.settings["seed"],
        code=code_of("splits.census", "splits.make"),
    script:
        "../scripts/make_splits.py"


rule check_splits:
    input:
        tracks_csv="results/{dataset}/tracks.csv",
        duplicates_csv="results/{dataset}/duplicates.csv",
        splits_csv="results/{dataset}/splits.csv",
    output:
        checked="results/{dataset}/splits_checked.json",
    log:
        "logs/{dataset}/check_splits.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code_of("splits.gate"),
    script:
        "../scripts/check_splits.py"
