# Inputs: the leaderboard, whose first model is studied; the features of all presets, because any model can be first.
# Outputs: results/DATASET/{learning_curve,importance,clusters,song_clusters}.csv with study.json and clusters.json, and
#   the figures learning_curve.png, importance.png and map.png.
# Steps: study_best (fits the best model on more and more songs, and swaps its features between songs) ->
#   draw_learning_curve, draw_importance; cluster_songs (needs the best model's features only) -> draw_map.


rule study_best:
    input:
        leaderboard="results/{dataset}/leaderboard.csv",
        tables=FEATURES,
        frames=FRAMES,
        splits_csv="results/{dataset}/splits.csv",
        tracks_csv="results/{dataset}/tracks.csv",
        duplicates_csv="results/{dataset}/duplicates.csv",
    output:
        curve="results/{dataset}/learning_curve.csv",
        importance="results/{dataset}/importance.csv",
        facts="results/{dataset}/study.json",
    log:
        "logs/{dataset}/study_best.log",
    benchmark:
        "benchmarks/out/{dataset}/study_best.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=table_memory,
        runtime=table_minutes,
    params:
        models=ranked_models,
        presets=ranked_presets,
        parts=ranked_parts,
        tables=ranked_tables,
        frames=ranked_frames,
        protocol=HONEST,
        seed=PLAN.settings["seed"],
        code=code_of("studies.best_model"),
    script:
        "../scripts/study_best.py"


rule draw_learning_curve:
    input:
        curve="results/{dataset}/learning_curve.csv",
        facts="results/{dataset}/study.json",
    output:
        figure=report(
            "results/{dataset}/learning_curve.png",
            category="Studies",
            labels={"figure": "learning curve"},
            caption="../report/learning.rst",
        ),
    log:
        "logs/{dataset}/draw_learning_curve.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code_of("figures.learning_curve"),
    script:
        "../scripts/draw_learning_curve.py"


rule draw_importance:
    input:
        importance="results/{dataset}/importance.csv",
        facts="results/{dataset}/study.json",
    output:
        figure=report(
            "results/{dataset}/importance.png",
            category="Studies",
            labels={"figure": "importance of features"},
            caption="../report/importance.rst",
        ),
    log:
        "logs/{dataset}/draw_importance.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code_of("figures.importance"),
    script:
        "../scripts/draw_importance.py"


rule cluster_songs:
    input:
        leaderboard="results/{dataset}/leaderboard.csv",
        tables=FEATURES,
        frames=FRAMES,
        splits_csv="results/{dataset}/splits.csv",
        tracks_csv="results/{dataset}/tracks.csv",
    output:
        clusters="results/{dataset}/clusters.csv",
        songs="results/{dataset}/song_clusters.csv",
        facts="results/{dataset}/clusters.json",
    log:
        "logs/{dataset}/cluster_songs.log",
    benchmark:
        "benchmarks/out/{dataset}/cluster_songs.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=table_memory,
        runtime=table_minutes,
    params:
        parts=ranked_parts,
        tables=ranked_tables,
        frames=ranked_frames,
        protocol=HONEST,
        seed=PLAN.settings["seed"],
        code=code_of("studies.clusters"),
    script:
        "../scripts/cluster_songs.py"


rule draw_map:
    input:
        songs="results/{dataset}/song_clusters.csv",
        facts="results/{dataset}/clusters.json",
    output:
        figure=report(
            "results/{dataset}/map.png",
            category="Studies",
            labels={"figure": "map of songs"},
            caption="../report/clusters.rst",
        ),
    log:
        "logs/{dataset}/draw_map.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=code_of("figures.song_map"),
    script:
        "../scripts/draw_map.py"
