# Inputs: the track sheet, the network or a mirror.
# Outputs: data/raw/DATASET/audio, and a record of what happened to the tracks of each shard.
# Steps: fetch_archives, if the source has archives -> acquire_tracks. The audio files are not outputs of the rules:
#   Snakemake deletes the outputs of a job that is killed, and nothing that arrived may be downloaded twice.

from songwise.acquire.record import RECORD_FORMAT


rule fetch_archives:
    output:
        state="data/raw/{dataset}/archives.json",
    log:
        "logs/{dataset}/fetch_archives.log",
    localrule: True
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
    priority: 2  # downloads wait for the network, and the cores have other work meanwhile
    localrule: True
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
