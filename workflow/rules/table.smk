# Inputs: the CSV of features that the data set file names; there is no audio.
# Outputs: data/clips/DATASET/0.{tracks,clips}.csv, 0.fingerprints.parquet (empty) and
#   data/features/DATASET/table/KEY/0.parquet: the same files as those of audio, so that all further rules are the same.
# Steps: read_table.


rule read_table:
    input:
        table=str(PLAN.dataset_path.parent / PLAN.dataset["source"]["table"]),
    output:
        tracks_csv="data/clips/{dataset}/{shard}.tracks.csv",
        clips_csv="data/clips/{dataset}/{shard}.clips.csv",
        fingerprints="data/clips/{dataset}/{shard}.fingerprints.parquet",
        features=SESSION.feature_files(PLAN.presets),
    log:
        "logs/{dataset}/read_table/{shard}.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        source=PLAN.dataset["source"],
        rows=shard_rows,
        preset=PLAN.presets["table"],
        code=code_of("datasets.feature_table", "features.from_table"),
    script:
        "../scripts/read_table.py"
