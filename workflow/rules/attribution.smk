# Inputs: the records of every shard; licences and attributions of the track sheet.
# Outputs: data/raw/DATASET/ATTRIBUTION.md, which is shared together with the audio.
# Steps: write_attribution.


rule write_attribution:
    input:
        states=expand("data/raw/{{dataset}}/shards/{shard}.json", shard=SHARDS),
    output:
        page="data/raw/{dataset}/ATTRIBUTION.md",
    log:
        "logs/{dataset}/write_attribution.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        facts=SESSION.columns_digest(["license", "attribution", "url"]),
        terms={key: PLAN.dataset.get(key) for key in ("title", "homepage", "license", "citation")},
        code=code_of("acquire.attribution"),
    script:
        "../scripts/write_attribution.py"
