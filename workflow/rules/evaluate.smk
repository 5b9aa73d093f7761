# Inputs: what every model predicted under every protocol.
# Outputs: results/DATASET/models/MODEL@PRESET/{metrics.json,params.json,classes.csv,confusion_*} and
#   PROTOCOL/songs.csv; results/DATASET/{leaderboard,leakage,rules,levels}.csv and headline.json, and of the best model
#   confusion_top.csv and calibration.png; results/_dvc, to which dvc.yaml points.
# Steps: evaluate_models, which wants check_models' word first. One job for all models: a second each, less than a
#   process of its own would take to start, and intervals, comparisons and the headline pair models on the same draws.


rule evaluate_models:
    input:
        predictions=expand(
            "results/{{dataset}}/models/{run}/{protocol}/predictions.csv",
            run=PLAN.runs,
            protocol=PLAN.protocols,
        ),
        fits=expand(
            "results/{{dataset}}/models/{run}/{protocol}/fit.json",
            run=PLAN.runs,
            protocol=HONEST,
        ),
        tracks_csv="results/{dataset}/tracks.csv",
        duplicates_csv="results/{dataset}/duplicates.csv",
        splits_csv="results/{dataset}/splits.csv",
        checked="results/{dataset}/models_checked.json",
    output:
        songs=expand(
            "results/{{dataset}}/models/{run}/{protocol}/songs.csv",
            run=PLAN.runs,
            protocol=PLAN.protocols,
        ),
        metrics=expand("results/{{dataset}}/models/{run}/metrics.json", run=PLAN.runs),
        params=expand("results/{{dataset}}/models/{run}/params.json", run=PLAN.runs),
        classes=expand("results/{{dataset}}/models/{run}/classes.csv", run=PLAN.runs),
        tables=expand(
            "results/{{dataset}}/models/{run}/confusion_{level}.csv",
            run=PLAN.runs,
            level=LEVELS,
        ),
        figures=report(
            expand(
                "results/{{dataset}}/models/{run}/confusion_{level}.png",
                run=PLAN.runs,
                level=LEVELS,
            ),
            category="Confusion matrices",
            labels=figure_labels,
            caption="../report/confusion.rst",
        ),
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
        rules=report(
            "results/{dataset}/rules.csv",
            category="Results",
            labels={"table": "song rules"},
            caption="../report/rules.rst",
        ),
        levels=report(
            "results/{dataset}/levels.csv",
            category="Results",
            labels={"table": "levels of the labels"},
            caption="../report/levels.rst",
        ),
        confusion_top="results/{dataset}/confusion_top.csv",
        calibration=report(
            "results/{dataset}/calibration.png",
            category="Results",
            labels={"table": "calibration of the best model"},
            caption="../report/calibration.rst",
        ),
        headline="results/{dataset}/headline.json",
        dvc_metrics=expand("results/_dvc/metrics/{{dataset}}/{run}.json", run=PLAN.runs),
        dvc_verdicts="results/_dvc/verdicts/{dataset}.csv",
    log:
        "logs/{dataset}/evaluate_models.log",
    conda:
        ENVIRONMENT
    params:
        runs=run_params,
        protocols=PLAN.protocols,
        seed=PLAN.settings["seed"],
        code=code_of("evaluation.evaluate", "tracking.dvc_view"),
    script:
        "../scripts/evaluate_models.py"
