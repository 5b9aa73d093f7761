# Inputs: facts about the tracks' files, the splits, and song verdicts of models on raw and on standardised audio.
# Outputs: results/DATASET/shortcuts.{json,csv}: whether facts about the files identify the classes, and which facts;
#   results/DATASET/standardised.csv: models on raw and on standardised audio, side by side.
# Steps: audit_shortcuts, after check_splits; compare_standardised, after evaluate_models.


rule audit_shortcuts:
    input:
        tracks_csv="results/{dataset}/tracks.csv",
        duplicates_csv="results/{dataset}/duplicates.csv",
        splits_csv="results/{dataset}/splits.csv",
        checked="results/{dataset}/splits_checked.json",
    output:
        found="results/{dataset}/shortcuts.json",
        table=report(
            "results/{dataset}/shortcuts.csv",
            category="Results",
            labels={"table": "shortcuts"},
            caption="../report/shortcuts.rst",
        ),
    log:
        "logs/{dataset}/audit_shortcuts.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=table_memory,
        runtime=table_minutes,
    params:
        protocol=HONEST,
        label=PLAN.dataset["label"],
        seed=PLAN.settings["seed"],
        code=code_of("studies.shortcuts"),
    script:
        "../scripts/audit_shortcuts.py"


rule compare_standardised:
    input:
        tracks_csv="results/{dataset}/tracks.csv",
        duplicates_csv="results/{dataset}/duplicates.csv",
        splits_csv="results/{dataset}/splits.csv",
        leaderboard="results/{dataset}/leaderboard.csv",
    output:
        table="results/{dataset}/standardised.csv",
    log:
        "logs/{dataset}/compare_standardised.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        pairs=standardised_pairs,
        protocol=HONEST,
        seed=PLAN.settings["seed"],
        code=code_of("studies.standardised"),
    script:
        "../scripts/compare_standardised.py"
