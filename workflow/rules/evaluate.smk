# Inputs: what every model predicted under every protocol.
# Outputs: results/DATASET/models/MODEL@PRESET/{metrics.json,params.json,confusion_*} and PROTOCOL/songs.csv;
#   results/DATASET/{leaderboard.csv,leakage.csv,headline.json}.
# Steps: evaluate_model -> rank_models, which wants check_models' word first.


rule evaluate_model:
    input:
        predictions=expand("results/{{dataset}}/models/{{run}}/{protocol}/predictions.csv", protocol=PLAN.protocols),
        fits=expand("results/{{dataset}}/models/{{run}}/{protocol}/fit.json", protocol=HONEST),
        tracks_csv="results/{dataset}/tracks.csv",
        splits_csv="results/{dataset}/splits.csv",
    output:
        songs=expand("results/{{dataset}}/models/{{run}}/{protocol}/songs.csv", protocol=PLAN.protocols),
        metrics="results/{dataset}/models/{run}/metrics.json",
        params="results/{dataset}/models/{run}/params.json",
        tables=expand("results/{{dataset}}/models/{{run}}/confusion_{level}.csv", level=["clip", "song"]),
        figures=report(
            expand("results/{{dataset}}/models/{{run}}/confusion_{level}.png", level=["clip", "song"]),
            category="Confusion matrices",
            subcategory="{run}",
            labels={"model": "{run}"},
            caption="../report/confusion.rst",
        ),
    params:
        protocols=PLAN.protocols,
        run_params=run_params,
        seed=PLAN.settings["seed"],
        code=code_of("evaluate"),
    log:
        "logs/{dataset}/evaluate_model/{run}.log",
    script:
        "../scripts/evaluate_model.py"


rule rank_models:
    input:
        metrics=expand("results/{{dataset}}/models/{run}/metrics.json", run=PLAN.runs),
        songs=expand("results/{{dataset}}/models/{run}/{protocol}/songs.csv", run=PLAN.runs, protocol=PLAN.protocols),
        splits_csv="results/{dataset}/splits.csv",
        checked="results/{dataset}/models_checked.json",
    output:
        leaderboard=report(
            "results/{dataset}/leaderboard.csv",
            category="Results",
            labels={"table": "leaderboard"},
            caption="../report/leaderboard.rst",
        ),
        leakage=report(
            "results/{dataset}/leakage.csv",
            category="Results",
            labels={"table": "leakage"},
            caption="../report/leakage.rst",
        ),
        headline="results/{dataset}/headline.json",
    params:
        runs=[str(run) for run in PLAN.runs],
        protocols=PLAN.protocols,
        seed=PLAN.settings["seed"],
        code=code_of("evaluate"),
    log:
        "logs/{dataset}/rank_models.log",
    script:
        "../scripts/rank_models.py"
