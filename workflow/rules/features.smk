# Inputs: a shard's tracks, and the tables of inspect_tracks.
# Outputs: data/features/DATASET/PRESET/KEY/SHARD.parquet, a row for each clip, for every preset that a model wants.
#   KEY is a hash of the preset's content: an edited preset has other tables, and the former ones wait for its return.
#   SHARD.frames.arrow beside it, for presets that ask for frames.
# Steps: extract_features, which decodes and cuts for itself and shares the clips' spectra between presets.

# Presets that lack tables of the same shards share their jobs, all others do not: a job that also had a table that is
# there as an output would make it anew, and all that follows from it. Most runs have one pass, or one to look at and
# one to do.
for step, names in SESSION.passes().items():

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
            # The same of every pass: Snakemake holds a job to be as old as its benchmark, if that is older.
            "benchmarks/out/{dataset}/extract_features/{shard}.tsv"
        conda:
            ENVIRONMENT
        params:
            presets=presets_made,
            code=code_of("clips.cut", "features.extract"),
        script:
            "../scripts/extract_features.py"
