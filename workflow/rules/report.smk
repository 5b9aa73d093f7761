# Inputs: the tables of results/DATASET, from which the page draws its own figures; for the portraits, the tracks' files.
# Outputs: results/DATASET/report.html, one self-contained page; results/DATASET/tracks, the portraits in it.
# Steps: draw_tracks, after gather_tracks -> render_report.
from songwise.report.provenance import reproducing_command


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
    localrule: True
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
        templates=sorted(map(str, Path("workflow/report/page").iterdir())),
        tracks_csv="results/{dataset}/tracks.csv",
        duplicates_csv="results/{dataset}/duplicates.csv",
        leaderboard="results/{dataset}/leaderboard.csv",
        leakage="results/{dataset}/leakage.csv",
        headline="results/{dataset}/headline.json",
        rules="results/{dataset}/rules.csv",
        levels="results/{dataset}/levels.csv",
        confusion_top="results/{dataset}/confusion_top.csv",
        calibration="results/{dataset}/calibration.csv",
        tables=expand(
            "results/{{dataset}}/models/{run}/{table}",
            run=PLAN.runs,
            table=["params.json", "classes.csv", "confusion_song.csv", "confusion_clip.csv"],
        ),
        songs=expand(
            "results/{{dataset}}/models/{run}/{protocol}/songs.csv",
            run=PLAN.runs,
            protocol=HONEST,
        ),
        weights=expand(
            "results/{{dataset}}/models/{run}/{protocol}/weights.csv",
            run=FUSED,
            protocol=HONEST,
        ),
        audits=[f"{RESULTS}/shortcuts.json", f"{RESULTS}/standardised.csv"] if HAS_AUDIO else [],
        studies=expand(
            "results/{{dataset}}/{study}",
            study=[
                "learning_curve.csv",
                "importance.csv",
                "study.json",
                "clusters.csv",
                "clusters.json",
                "song_clusters.csv",
            ],
        ),
        champion=expand(
            "results/{{dataset}}/{result}",
            result=["champion", "novelty.csv", "similar.csv", "costs.csv"],
        ),
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
    localrule: True
    conda:
        ENVIRONMENT
    params:
        protocols=PLAN.protocols,
        recipe=PLAN.settings["recipe"],
        titles=ranked_titles,
        command=reproducing_command(PLAN.settings, Path()),
        code=code_of("report.page"),
    script:
        "../scripts/render_report.py"
