# songwise: classify music, and measure how well that works on songs the model has never heard.
#
#   snakemake                                  the demo set, offline, on all cores
#   snakemake --config dataset=open-music      real music
#
# config/config.yaml says what to compute (see config/README.md); workflow/rules, how.
from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"


if HAS_AUDIO:

    include: "workflow/rules/acquire.smk"
    include: "workflow/rules/attribution.smk"
    include: "workflow/rules/clips.smk"
    include: "workflow/rules/features.smk"
    include: "workflow/rules/embedding.smk"
    include: "workflow/rules/audit.smk"

else:

    include: "workflow/rules/table.smk"


include: "workflow/rules/splits.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/fusion.smk"
include: "workflow/rules/trained_networks.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/study.smk"
include: "workflow/rules/champion.smk"
include: "workflow/rules/recipe.smk"
include: "workflow/rules/track.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        every_result,
        f"data/raw/{DATASET}/ATTRIBUTION.md" if HAS_AUDIO else [],
        expand("data/clips/{dataset}/{shard}", dataset=DATASET, shard=SHARDS) if PLAN.settings["keep_clips"] else [],


onsuccess:
    print_headline()


onerror:
    print_errors()
