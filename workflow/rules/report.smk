# Inputs: all tables of results/DATASET.
# Outputs: results/DATASET/report.html, one self-contained page.
# Steps: render_report.


rule render_report:
    input:
        template="workflow/report/page.html",
        tracks_csv="results/{dataset}/tracks.csv",
        duplicates_csv="results/{dataset}/duplicates.csv",
        leaderboard="results/{dataset}/leaderboard.csv",
        leakage="results/{dataset}/leakage.csv",
        headline="results/{dataset}/headline.json",
        figures=expand(
            "results/{{dataset}}/models/{run}/confusion_{level}.png",
            run=PLAN.runs,
            level=LEVELS,
        ),
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
        code=code_of("report"),
    script:
        "../scripts/render_report.py"
