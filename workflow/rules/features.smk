# Inputs: a shard's clips.
# Outputs: data/features/DATASET/PRESET/SHARD.parquet, a row for each clip, for every preset that a model wants.
# Steps: extract_features, all presets in one pass, so that they share spectra.


rule extract_features:
    input:
        clips="data/clips/{dataset}/{shard}",
        clips_csv="data/clips/{dataset}/{shard}.clips.csv",
    output:
        tables=expand("data/features/{{dataset}}/{preset}/{{shard}}.parquet", preset=PLAN.presets),
    log:
        "logs/{dataset}/extract_features/{shard}.log",
    benchmark:
        "benchmarks/out/{dataset}/extract_features/{shard}.tsv"
    # Ahead of further clips, so that few clips lie on the disk at a time.
    priority: 1
    conda:
        ENVIRONMENT
    params:
        presets=list(PLAN.presets.values()),
        code=code_of("features"),
    script:
        "../scripts/extract_features.py"
