# Inputs: the track sheet, the network or a mirror.
# Outputs: data/raw/DATASET/audio, and for each shard what became of its tracks.
# Steps: fetch_archives where the source has them; acquire_tracks. Audio files are no outputs of the rules: Snakemake
# deletes the outputs of a job that is killed, and what has arrived must not be fetched twice.

from songwise.acquire.record import RECORD_FORMAT


rule fetch_archives:
    output:
        state="data/raw/{dataset}/archives.json",
    log:
        "logs/{dataset}/fetch_archives.log",
    conda:
        ENVIRONMENT
    resources:
        downloads=1,
    params:
        wanted=SESSION.wanted_members(),
        code=SESSION.archives_code(),
    script:
        "../scripts/fetch_archives.py"


rule acquire_tracks:
    input:
        [f"data/raw/{DATASET}/archives.json"] if SESSION.source == "archive" else [],
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
        format=RECORD_FORMAT,
        code=SESSION.synthesis_code(),
    script:
        "../scripts/acquire_tracks.py"
