# Inputs: the leaderboard, the files of each model on it, what the headline needs, and the champion, which is registered
#   as a model.
# Outputs: results/_dvc, DVC's view of the results (dvc.yaml).
#   The MLflow store (mlflow.db and mlruns/, or MLFLOW_TRACKING_URI) is not an output of the rule: all data
#   sets share it, and Snakemake would delete it. results/DATASET/tracking.json records what is in it.
# Steps: log_runs, one job for all models, because parallel writers corrupt a new store.

import os

from songwise.tracking.store import shared_pointer, store_generation

STORE = os.environ.get("MLFLOW_TRACKING_URI", "")

try:  # now: the start of the job removes the record
    GENERATION = store_generation(Path(RESULTS), STORE)
except InputError as error:
    raise WorkflowError(f"songwise: {error}") from None


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
        fits=expand(
            "results/{{dataset}}/models/{run}/{protocol}/fit.json",
            run=PLAN.runs,
            protocol=HONEST,
        ),
        songs=expand(
            "results/{{dataset}}/models/{run}/{protocol}/songs.csv",
            run=PLAN.runs,
            protocol=HONEST,
        ),
        headline="results/{dataset}/headline.json",
        leakage="results/{dataset}/leakage.csv",
        drawings=["results/{dataset}/leakage.png", "results/{dataset}/calibration.png"],
        audits=[f"{RESULTS}/shortcuts.json", f"{RESULTS}/standardised.csv"] if HAS_AUDIO else [],
        tracks_csv="results/{dataset}/tracks.csv",
        champion="results/{dataset}/champion",
    output:
        dvc_best="results/_dvc/best/{dataset}.json",
        dvc_models="results/_dvc/models/{dataset}.json",
        dvc_songs="results/_dvc/songs/{dataset}.csv",
        dvc_figures=directory("results/_dvc/figures/{dataset}"),
        tracking="results/{dataset}/tracking.json",
    log:
        "logs/{dataset}/log_runs.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        uri=STORE,
        generation=GENERATION,
        pointer=shared_pointer(DATASET),
        code=code_of("tracking.runs", "tracking.dvc_view"),
    script:
        "../scripts/log_runs.py"
