# Inputs: what each model scores under each protocol; config's `recipe`, with what a published system reported.
# Outputs: results/DATASET/recipe.csv: as published, as published but here, and by song.
# Steps: compare_recipe, wanted only where config has a recipe (config/recipes/*.yaml).


rule compare_recipe:
    input:
        leakage="results/{dataset}/leakage.csv",
    output:
        recipe=report(
            "results/{dataset}/recipe.csv",
            category="Results",
            labels={"table": "recipe"},
            caption="../report/recipe.rst",
        ),
    log:
        "logs/{dataset}/compare_recipe.log",
    conda:
        ENVIRONMENT
    params:
        recipe=PLAN.settings["recipe"],
        code=code_of("studies.recipe"),
    script:
        "../scripts/compare_recipe.py"
