"""Choose the model that is used on new files, and put everything that its use needs into one folder."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.runtime.provenance import git_commit
    from songwise.studies.champion import crown_champion
    from songwise.studies.cost import measure_cost

    crown_champion(
        Path(snakemake.output.novelty).parent,
        setting=snakemake.params.setting,
        about=snakemake.params.about | {"git_commit": git_commit()},
        measure=measure_cost,
        feature_tables=[Path(path) for path in snakemake.params.tables],
        frames=[Path(path) for path in snakemake.params.frames],
        models=snakemake.params.models,
        parts=snakemake.params.parts,
        **{name: Path(snakemake.input[name]) for name in ("splits_csv", "tracks_csv", "duplicates_csv")},
    )
