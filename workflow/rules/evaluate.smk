# Inputs: what every model predicted under every protocol.
# Outputs: results/DATASET/models/MODEL@PRESET/{metrics.json,params.json,classes.csv,confusion_*} and
#   PROTOCOL/songs.csv; results/DATASET/{leaderboard,leakage,rules,levels}.csv and headline.json, and of the best model
#   confusion_top.csv and calibration.csv; the figures leakage.png and calibration.png.
# Steps: evaluate_models, after check_models -> draw_confusions, draw_leakage, draw_calibration. One job evaluates all
#   models: each takes a second, less than the start of a process, and comparisons pair models on the same draws.

from songwise.plan.run_params import run_params


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
        calibration="results/{dataset}/calibration.csv",
        headline="results/{dataset}/headline.json",
    log:
        "logs/{dataset}/evaluate_models.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=table_memory,
        runtime=table_minutes,
    params:
        runs=run_params(PLAN, SESSION.tracks, SESSION.figures_code()),
        kept=kept_params,
        stale=stale_models,
        about={"title": PLAN.dataset.get("title", DATASET), "label": PLAN.dataset["label"]},
        protocols=PLAN.protocols,
        seed=PLAN.settings["seed"],
        code=code_of("evaluation.leaderboard"),
    script:
        "../scripts/evaluate_models.py"


rule draw_confusions:
    input:
        leaderboard="results/{dataset}/leaderboard.csv",
        metrics=expand("results/{{dataset}}/models/{run}/metrics.json", run=PLAN.runs),
        tables=expand(
            "results/{{dataset}}/models/{run}/confusion_{level}.csv",
            run=PLAN.runs,
            level=LEVELS,
        ),
    output:
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
    log:
        "logs/{dataset}/draw_confusions.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        levels=LEVELS,
        truth=PLAN.dataset["label"],
        code=code_of("figures.confusion"),
    script:
        "../scripts/draw_confusions.py"


rule draw_leakage:
    input:
        leakage="results/{dataset}/leakage.csv",
    output:
        figure=report(
            "results/{dataset}/leakage.png",
            category="Results",
            labels={"table": "leakage, drawn"},
            caption="../report/leakage.rst",
        ),
    log:
        "logs/{dataset}/draw_leakage.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        protocols=PLAN.protocols,
        code=code_of("figures.leakage"),
    script:
        "../scripts/draw_leakage.py"


rule draw_calibration:
    input:
        bins="results/{dataset}/calibration.csv",
        metrics=expand("results/{{dataset}}/models/{run}/metrics.json", run=PLAN.runs),
    output:
        figure=report(
            "results/{dataset}/calibration.png",
            category="Results",
            labels={"table": "calibration of the best model"},
            caption="../report/calibration.rst",
        ),
    log:
        "logs/{dataset}/draw_calibration.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code_of("figures.calibration"),
    script:
        "../scripts/draw_calibration.py"
