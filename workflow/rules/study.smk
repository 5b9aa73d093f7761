# Inputs: the leaderboard, whose first model is looked at more closely; the features of all presets, since any may win.
# Outputs: results/DATASET/{learning_curve,importance,clusters,song_clusters}.csv with study.json and clusters.json, and
#   as figures learning_curve.png, importance.png and map.png.
# Steps: study_best (fits the best model on ever more songs, and swaps its features between songs); cluster_songs (needs
#   no model, only the best one's features).


rule study_best:
    input:
        leaderboard="results/{dataset}/leaderboard.csv",
        tables=expand(feature_files(PLAN.presets), dataset=DATASET, shard=SHARDS),
        splits_csv="results/{dataset}/splits.csv",
        tracks_csv="results/{dataset}/tracks.csv",
        duplicates_csv="results/{dataset}/duplicates.csv",
    output:
        curve="results/{dataset}/learning_curve.csv",
        importance="results/{dataset}/importance.csv",
        facts="results/{dataset}/study.json",
        curve_figure=report(
            "results/{dataset}/learning_curve.png",
            category="Studies",
            labels={"figure": "learning curve"},
            caption="../report/learning.rst",
        ),
        importance_figure=report(
            "results/{dataset}/importance.png",
            category="Studies",
            labels={"figure": "importance of features"},
            caption="../report/importance.rst",
        ),
    log:
        "logs/{dataset}/study_best.log",
    benchmark:
        "benchmarks/out/{dataset}/study_best.tsv"
    conda:
        ENVIRONMENT
    params:
        models={str(run): PLAN.model_of(str(run)) for run in PLAN.runs},
        presets=PLAN.presets,
        protocol=HONEST,
        seed=PLAN.settings["seed"],
        code=code_of("studies.best_model"),
    script:
        "../scripts/study_best.py"


rule cluster_songs:
    input:
        leaderboard="results/{dataset}/leaderboard.csv",
        tables=expand(feature_files(PLAN.presets), dataset=DATASET, shard=SHARDS),
        splits_csv="results/{dataset}/splits.csv",
        tracks_csv="results/{dataset}/tracks.csv",
    output:
        clusters="results/{dataset}/clusters.csv",
        songs="results/{dataset}/song_clusters.csv",
        facts="results/{dataset}/clusters.json",
        map=report(
            "results/{dataset}/map.png",
            category="Studies",
            labels={"figure": "map of songs"},
            caption="../report/clusters.rst",
        ),
    log:
        "logs/{dataset}/cluster_songs.log",
    benchmark:
        "benchmarks/out/{dataset}/cluster_songs.tsv"
    conda:
        ENVIRONMENT
    params:
        protocol=HONEST,
        seed=PLAN.settings["seed"],
        code=code_of("studies.clusters"),
    script:
        "../scripts/cluster_songs.py"
