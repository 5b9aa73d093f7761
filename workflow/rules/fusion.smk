# Inputs: feature tables, splits, and what the members of each fusion predicted under each protocol.
# Outputs: results/DATASET/models/MODEL@PRESET/PROTOCOL/inner.parquet of each member (predictions of its training clips,
#   by fits on inner folds); for each fusion the same files as train_model and audit_model, and PROTOCOL/weights.csv.
# Steps: predict_inner -> fuse_models under the leaderboard's protocol, audit_fusion under the others. The members'
#   fits are those of train_model and audit_model, shared with the rows of the leaderboard that stand alone.


rule predict_inner:
    input:
        tables=feature_tables,
        splits_csv="results/{dataset}/splits.csv",
        checked="results/{dataset}/splits_checked.json",
    output:
        table="results/{dataset}/models/{run}/{protocol}/inner.parquet",
    log:
        "logs/{dataset}/predict_inner/{run}.{protocol}.log",
    benchmark:
        "benchmarks/out/{dataset}/predict_inner/{run}.{protocol}.tsv"
    wildcard_constraints:
        protocol="|".join(PLAN.protocols),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=table_memory,
        runtime=table_minutes,
    params:
        model=model_of,
        seed=PLAN.settings["seed"],
        code=inner_code,
    script:
        "../scripts/predict_inner.py"


rule fuse_models:
    input:
        inner=inner_predictions,
        predictions=member_predictions,
        fits=member_fits,
        tables=feature_tables,
        splits_csv="results/{dataset}/splits.csv",
        tracks_csv="results/{dataset}/tracks.csv",
        checked="results/{dataset}/splits_checked.json",
    output:
        predictions=f"results/{{dataset}}/models/{{run}}/{HONEST}/predictions.csv",
        fits=f"results/{{dataset}}/models/{{run}}/{HONEST}/fits.parquet",
        fit=f"results/{{dataset}}/models/{{run}}/{HONEST}/fit.json",
        weights=f"results/{{dataset}}/models/{{run}}/{HONEST}/weights.csv",
        bundle=directory("results/{dataset}/models/{run}/bundle"),
    log:
        "logs/{dataset}/fuse_models/{run}.log",
    benchmark:
        "benchmarks/out/{dataset}/fuse_models/{run}.tsv"
    wildcard_constraints:
        run="|".join(FUSED) or "none",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=table_memory,
        runtime=table_minutes,
    params:
        model=model_of,
        preset=preset_of_run,
        protocol=HONEST,
        seed=PLAN.settings["seed"],
        clip=PLAN.dataset["clip"],
        code=training_code,
    script:
        "../scripts/fuse_models.py"


rule audit_fusion:
    input:
        inner=inner_predictions,
        predictions=member_predictions,
        fits=member_fits,
        splits_csv="results/{dataset}/splits.csv",
        tracks_csv="results/{dataset}/tracks.csv",
    output:
        predictions="results/{dataset}/models/{run}/{audit}/predictions.csv",
        fits="results/{dataset}/models/{run}/{audit}/fits.parquet",
        fit="results/{dataset}/models/{run}/{audit}/fit.json",
        weights="results/{dataset}/models/{run}/{audit}/weights.csv",
    log:
        "logs/{dataset}/audit_fusion/{run}.{audit}.log",
    benchmark:
        "benchmarks/out/{dataset}/audit_fusion/{run}.{audit}.tsv"
    wildcard_constraints:
        run="|".join(FUSED) or "none",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=table_memory,
        runtime=table_minutes,
    params:
        model=model_of,
        code=training_code,
    script:
        "../scripts/audit_fusion.py"
