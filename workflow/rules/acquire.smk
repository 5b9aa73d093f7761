# Inputs: the track sheet, the network or a mirror.
# Outputs: data/raw/DATASET/audio, and for each shard what became of its tracks.
# Steps: acquire_tracks. Audio files are no outputs of the rule: Snakemake deletes the outputs of a job that is
# killed, and what has arrived must not be fetched twice.


rule acquire_tracks:
    input:
        fetched_archives,
    output:
        state="data/raw/{dataset}/shards/{shard}.json",
    log:
        "logs/{dataset}/acquire_tracks/{shard}.log",
    conda:
        ENVIRONMENT
    resources:
        downloads=1,
    params:
        rows=shard_rows,
        access=shard_access,
        attempt=shard_attempt,
        code=code_of("acquire"),
    script:
        "../scripts/acquire_tracks.py"
