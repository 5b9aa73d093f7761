# Inputs: the leaderboard and everything of each model that it lists.
# Outputs: the MLflow store (mlflow.db and mlruns/, or MLFLOW_TRACKING_URI), which is no output of the rule: it is
#   shared by all data sets, and Snakemake would delete it; results/DATASET/tracking.json says what is in it.
# Steps: log_runs, one job for all models, since parallel writers corrupt a fresh store.


rule log_runs:
    input:
        leaderboard="results/{dataset}/leaderboard.csv",
        bundles=expand("results/{{dataset}}/models/{run}/bundle", run=PLAN.runs),
        metrics=expand("results/{{dataset}}/models/{run}/metrics.json", run=PLAN.runs),
        figures=expand(
            "results/{{dataset}}/models/{run}/confusion_{level}.png",
            run=PLAN.runs,
            level=LEVELS,
        ),
    output:
        tracking="results/{dataset}/tracking.json",
    log:
        "logs/{dataset}/log_runs.log",
    conda:
        ENVIRONMENT
    params:
        uri=os.environ.get("MLFLOW_TRACKING_URI", ""),
        generation=store_generation(),  # now: the job's start removes the record that it reads
        pointer=shared_pointer(),
        code=code_of("tracking.runs"),
    script:
        "../scripts/log_runs.py"
