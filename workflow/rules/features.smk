# Inputs: the tracks of a shard, and the tables of inspect_tracks.
# Outputs: data/features/DATASET/PRESET/KEY/SHARD.parquet, one row per clip, for every preset that a model needs.
#   KEY is a hash of the preset's content: an edited preset has other tables, and the old ones are found again when the
#   edit is undone. SHARD.frames.arrow beside it, for presets that ask for frames.
# Steps: extract_features, which decodes and cuts the clips itself and shares their spectra between presets.

# Presets that miss the tables of the same shards share their jobs (songwise.plan.passes). Most runs have one pass, or
# one with nothing to do and one with work.
for step, names in SESSION.passes("extract_features").items():

    rule:
        name:
            step
        input:
            state="data/raw/{dataset}/shards/{shard}.json",
            tracks_csv="data/clips/{dataset}/{shard}.tracks.csv",
            clips_csv="data/clips/{dataset}/{shard}.clips.csv",
        output:
            tables=SESSION.feature_files(names),
            frames=SESSION.frame_files(names),
        log:
            f"logs/{{dataset}}/{step}/{{shard}}.log",
        benchmark:
            # The same file for every pass: Snakemake considers a job as old as its benchmark, if that is older.
            "benchmarks/out/{dataset}/extract_features/{shard}.tsv"
        priority: 1  # before other shards are inspected, while the decoded tracks are kept
        conda:
            ENVIRONMENT
        resources:
            mem_mb=shard_memory,
            runtime=shard_minutes,
        params:
            presets=presets_made,
            code=code_of("clips.cut", "features.extract"),
        script:
            "../scripts/extract_features.py"
