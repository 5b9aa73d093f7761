# Inputs: all tables and figures of results/DATASET; for the portraits, the tracks' files.
# Outputs: results/DATASET/report.html, one self-contained page; results/DATASET/tracks, the portraits in it.
# Steps: draw_tracks, after gather_tracks -> render_report.


rule draw_tracks:
    input:
        tracks_csv="results/{dataset}/tracks.csv",
        states=expand("data/raw/{{dataset}}/shards/{shard}.json", shard=SHARDS),
    output:
        portraits=report(
            directory("results/{dataset}/tracks"),
            patterns=["{track}.png"],
            category="Tracks",
            labels={"track": "{track}"},
            caption="../report/portraits.rst",
        ),
    log:
        "logs/{dataset}/draw_tracks.log",
    conda:
        ENVIRONMENT
    params:
        show=PLAN.settings["show_tracks"],
        max_seconds=PLAN.dataset["max_seconds"],
        code=code_of("report.portraits"),
    script:
        "../scripts/draw_tracks.py"


rule render_report:
    input:
        templates=sorted(map(str, Path("workflow/report/page").glob("*.html"))),
        tracks_csv="results/{dataset}/tracks.csv",
        duplicates_csv="results/{dataset}/duplicates.csv",
        leaderboard="results/{dataset}/leaderboard.csv",
        leakage="results/{dataset}/leakage.csv",
        leakage_figure="results/{dataset}/leakage.png",
        headline="results/{dataset}/headline.json",
        classes=expand("results/{{dataset}}/models/{run}/classes.csv", run=PLAN.runs),
        rules="results/{dataset}/rules.csv",
        levels="results/{dataset}/levels.csv",
        confusion_top="results/{dataset}/confusion_top.csv",
        calibration="results/{dataset}/calibration.png",
        audits=[f"{RESULTS}/shortcuts.json", f"{RESULTS}/standardised.csv"] if HAS_AUDIO else [],
        figures=expand(
            "results/{{dataset}}/models/{run}/confusion_{level}.png",
            run=PLAN.runs,
            level=LEVELS,
        ),
        studies=expand(
            "results/{{dataset}}/{study}",
            study=[
                "learning_curve.csv",
                "learning_curve.png",
                "importance.csv",
                "importance.png",
                "study.json",
                "clusters.csv",
                "clusters.json",
                "map.png",
            ],
        ),
        champion=["results/{dataset}/champion", "results/{dataset}/novelty.csv", "results/{dataset}/similar.csv"],
        recipe=RECIPE,
        portraits=[] if PLAN.settings["show_tracks"] == "none" else ["results/{dataset}/tracks"],
    output:
        report(
            "results/{dataset}/report.html",
            category="Results",
            labels={"table": "page"},
            caption="../report/page.rst",
        ),
    log:
        "logs/{dataset}/render_report.log",
    conda:
        ENVIRONMENT
    params:
        protocols=PLAN.protocols,
        title=PLAN.dataset.get("title", DATASET),
        label=PLAN.dataset["label"],
        recipe=PLAN.settings["recipe"],
        code=code_of("report.page"),
    script:
        "../scripts/render_report.py"
