# Inputs: what the tracks' files are, the splits, and songs' verdicts of models on raw and on standardised audio.
# Outputs: results/DATASET/shortcuts.{json,csv}: whether the container alone tells the classes, and by what;
#   results/DATASET/standardised.csv: models with and without standardised audio, side by side.
# Steps: audit_shortcuts, as soon as there are splits; compare_standardised, after evaluate_models.


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
        verdicts=paired_verdicts(),
    output:
        table="results/{dataset}/standardised.csv",
    log:
        "logs/{dataset}/compare_standardised.log",
    conda:
        ENVIRONMENT
    params:
        pairs=PLAN.standardised,
        protocol=HONEST,
        seed=PLAN.settings["seed"],
        code=code_of("studies.shortcuts"),
    script:
        "../scripts/compare_standardised.py"
