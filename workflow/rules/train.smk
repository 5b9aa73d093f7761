# Inputs: feature tables, splits that passed check_splits.
# Outputs: results/DATASET/models/MODEL@PRESET/PROTOCOL (predictions, fits) and bundle/ (refitted on all good songs).
# Steps: train_model for every protocol; fit_bundle; check_models, the same gate on what the models recorded.


rule train_model:
    input:
        tables=feature_tables,
        splits_csv="results/{dataset}/splits.csv",
        tracks_csv="results/{dataset}/tracks.csv",
        checked="results/{dataset}/splits_checked.json",
    output:
        predictions="results/{dataset}/models/{run}/{protocol}/predictions.csv",
        fits="results/{dataset}/models/{run}/{protocol}/fits.parquet",
        fit="results/{dataset}/models/{run}/{protocol}/fit.json",
    params:
        model=model_of,
        seed=PLAN.settings["seed"],
        code=code_of("models"),
    log:
        "logs/{dataset}/train_model/{run}.{protocol}.log",
    benchmark:
        "benchmarks/out/{dataset}/train_model/{run}.{protocol}.tsv"
    script:
        "../scripts/train_model.py"


rule fit_bundle:
    input:
        tables=feature_tables,
        splits_csv="results/{dataset}/splits.csv",
        checked="results/{dataset}/splits_checked.json",
    output:
        bundle=directory("results/{dataset}/models/{run}/bundle"),
    params:
        model=model_of,
        preset=preset_of,
        protocol=HONEST,
        seed=PLAN.settings["seed"],
        clip=PLAN.dataset["clip"],
        code=code_of("models"),
    log:
        "logs/{dataset}/fit_bundle/{run}.log",
    script:
        "../scripts/fit_bundle.py"


rule check_models:
    input:
        tracks_csv="results/{dataset}/tracks.csv",
        fits=expand("results/{{dataset}}/models/{run}/{protocol}/fits.parquet", run=PLAN.runs, protocol=HONEST),
    output:
        checked="results/{dataset}/models_checked.json",
    params:
        code=code_of("leakage"),
    log:
        "logs/{dataset}/check_models.log",
    script:
        "../scripts/check_models.py"
