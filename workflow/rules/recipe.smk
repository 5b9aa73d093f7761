# Inputs: the accuracy of each model under each protocol; config's `recipe`, with the figures of a published system.
# Outputs: results/DATASET/recipe.csv: published figures, the same protocol here, and by song.
# Steps: compare_recipe, only if config has a recipe (config/recipes/*.yaml).


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
    localrule: True
    conda:
        ENVIRONMENT
    params:
        recipe=PLAN.settings["recipe"],
        code=code_of("studies.recipe"),
    script:
        "../scripts/compare_recipe.py"
