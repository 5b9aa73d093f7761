# Inputs: frames of every clip (matrices instead of columns), and splits that passed check_splits.
# Outputs: the same files as train_model and audit_model, for networks that are trained here (extra `deep`), and
#   PROTOCOL/curves.csv, one row per epoch.
# Steps: train_network under the leaderboard's protocol; audit_network under the others.


rule train_network:
    input:
        tables=feature_tables,
        frames=frame_tables,
        splits_csv="results/{dataset}/splits.csv",
        tracks_csv="results/{dataset}/tracks.csv",
        checked="results/{dataset}/splits_checked.json",
    output:
        predictions=f"results/{{dataset}}/models/{{run}}/{HONEST}/predictions.csv",
        fits=f"results/{{dataset}}/models/{{run}}/{HONEST}/fits.parquet",
        fit=f"results/{{dataset}}/models/{{run}}/{HONEST}/fit.json",
        curves=f"results/{{dataset}}/models/{{run}}/{HONEST}/curves.csv",
        bundle=directory("results/{dataset}/models/{run}/bundle"),
    log:
        "logs/{dataset}/train_network/{run}.log",
    benchmark:
        "benchmarks/out/{dataset}/train_network/{run}.tsv"
    wildcard_constraints:
        run="|".join(TRAINED) or "none",
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


rule audit_network:
    input:
        tables=feature_tables,
        frames=frame_tables,
        splits_csv="results/{dataset}/splits.csv",
        tracks_csv="results/{dataset}/tracks.csv",
        checked="results/{dataset}/splits_checked.json",
    output:
        predictions="results/{dataset}/models/{run}/{audit}/predictions.csv",
        fits="results/{dataset}/models/{run}/{audit}/fits.parquet",
        fit="results/{dataset}/models/{run}/{audit}/fit.json",
        curves="results/{dataset}/models/{run}/{audit}/curves.csv",
    log:
        "logs/{dataset}/audit_network/{run}.{audit}.log",
    benchmark:
        "benchmarks/out/{dataset}/audit_network/{run}.{audit}.tsv"
    wildcard_constraints:
        run="|".join(TRAINED) or "none",
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
