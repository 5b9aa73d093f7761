# Inputs: feature tables, and splits that passed check_splits.
# Outputs: results/DATASET/models/MODEL@PRESET/PROTOCOL (predictions, fits), and bundle/ (refitted on all good songs).
# Steps: train_model under the leaderboard's protocol; audit_model under the others, for leakage.csv only;
#   check_models, which repeats the check on what the models recorded, under every protocol except random-clips.


rule train_model:
    input:
        tables=feature_tables,
        splits_csv="results/{dataset}/splits.csv",
        tracks_csv="results/{dataset}/tracks.csv",
        checked="results/{dataset}/splits_checked.json",
    output:
        predictions=f"results/{{dataset}}/models/{{run}}/{HONEST}/predictions.csv",
        fits=f"results/{{dataset}}/models/{{run}}/{HONEST}/fits.parquet",
        fit=f"results/{{dataset}}/models/{{run}}/{HONEST}/fit.json",
        bundle=directory("results/{dataset}/models/{run}/bundle"),
    log:
        "logs/{dataset}/train_model/{run}.log",
    benchmark:
        "benchmarks/out/{dataset}/train_model/{run}.tsv"
    wildcard_constraints:
        run="|".join(run for run in MODELS if run not in (*FUSED, *TRAINED)) or "none",
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
        "../scripts/train_model.py"


rule audit_model:
    input:
        tables=feature_tables,
        splits_csv="results/{dataset}/splits.csv",
        tracks_csv="results/{dataset}/tracks.csv",
        checked="results/{dataset}/splits_checked.json",
    output:
        predictions="results/{dataset}/models/{run}/{audit}/predictions.csv",
        fits="results/{dataset}/models/{run}/{audit}/fits.parquet",
        fit="results/{dataset}/models/{run}/{audit}/fit.json",
    log:
        "logs/{dataset}/audit_model/{run}.{audit}.log",
    benchmark:
        "benchmarks/out/{dataset}/audit_model/{run}.{audit}.tsv"
    wildcard_constraints:
        run="|".join(run for run in MODELS if run not in (*FUSED, *TRAINED)) or "none",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=table_memory,
        runtime=table_minutes,
    params:
        model=model_of,
        seed=PLAN.settings["seed"],
        code=training_code,
    script:
        "../scripts/audit_model.py"


rule check_models:
    input:
        tracks_csv="results/{dataset}/tracks.csv",
        duplicates_csv="results/{dataset}/duplicates.csv",
        fits=expand(
            "results/{{dataset}}/models/{run}/{protocol}/fits.parquet",
            run=MODELS,
            protocol=[name for name in PLAN.protocols if name != RANDOM_CLIPS],
        ),
    output:
        checked="results/{dataset}/models_checked.json",
    log:
        "logs/{dataset}/check_models.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code_of("splits.gate"),
    script:
        "../scripts/check_models.py"
