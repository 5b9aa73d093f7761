# Inputs: the leaderboard, every model's bundle and predictions, the features of all presets, because any model can win;
#   the same of models of earlier runs that the leaderboard ranks.
# Outputs: results/DATASET/champion, the model that is used on new files, complete and portable; costs.csv, what the
#   models that were compared cost; novelty.csv, how well music of unknown classes is recognised; similar.csv, how often
#   the nearest songs have the same label.
# Steps: crown_champion, after evaluate_models -> log_runs registers it in MLflow.


rule crown_champion:
    input:
        leaderboard="results/{dataset}/leaderboard.csv",
        headline="results/{dataset}/headline.json",
        leakage="results/{dataset}/leakage.csv",
        facts=f"{RESULTS}/shortcuts.json" if HAS_AUDIO else [],
        bundles=expand("results/{{dataset}}/models/{run}/bundle", run=PLAN.runs),
        predictions=expand(
            "results/{{dataset}}/models/{run}/{protocol}/predictions.csv",
            run=PLAN.runs,
            protocol=HONEST,
        ),
        tables=FEATURES,
        frames=FRAMES,
        splits_csv="results/{dataset}/splits.csv",
        tracks_csv="results/{dataset}/tracks.csv",
        duplicates_csv="results/{dataset}/duplicates.csv",
    output:
        champion=directory("results/{dataset}/champion"),
        costs="results/{dataset}/costs.csv",
        novelty=report(
            "results/{dataset}/novelty.csv",
            category="Results",
            labels={"table": "unknown music"},
            caption="../report/novelty.rst",
        ),
        similar=report(
            "results/{dataset}/similar.csv",
            category="Results",
            labels={"table": "similar songs"},
            caption="../report/similar.rst",
        ),
    log:
        "logs/{dataset}/crown_champion.log",
    benchmark:
        "benchmarks/out/{dataset}/crown_champion.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=table_memory,
        runtime=table_minutes,
    params:
        setting=PLAN.settings["champion"],
        about=SESSION.about_data(),
        models=ranked_models,
        parts=ranked_parts,
        tables=ranked_tables,
        frames=ranked_frames,
        code=code_of("studies.champion"),
    script:
        "../scripts/crown_champion.py"
