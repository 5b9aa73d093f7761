"""Test one model on songs it has never heard, and refit it on all good songs for use on new files."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.models.cross_validation import cross_validate, fit_bundle

    data = {
        "feature_tables": [Path(path) for path in snakemake.input.tables],
        "frames": [Path(path) for path in snakemake.input.get("frames", [])],
        "splits_csv": Path(snakemake.input.splits_csv),
        "protocol": snakemake.params.protocol,
        "seed": snakemake.params.seed,
    }
    model, folder = snakemake.params.model, Path(snakemake.output.predictions).parent
    cross_validate(model, **data, tracks_csv=Path(snakemake.input.tracks_csv), folder=folder)
    card = {"dataset": snakemake.wildcards.dataset, "clip": snakemake.params.clip}
    fit_bundle(model, snakemake.params.preset, **data, card=card, folder=Path(snakemake.output.bundle))
