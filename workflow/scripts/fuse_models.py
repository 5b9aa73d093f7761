"""Fuse the predictions of several models with weights from inner folds, and save them together for use on new files."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.models.cross_validation import fit_bundle
    from songwise.models.fuse import fuse_members

    model, data = snakemake.params.model, {"splits_csv": Path(snakemake.input.splits_csv)}
    data["protocol"] = snakemake.params.protocol
    members = dict(zip(model["members"], [Path(path).parent for path in snakemake.input.inner], strict=True))
    folder = Path(snakemake.output.predictions).parent
    fuse_members(members, **data, tracks_csv=Path(snakemake.input.tracks_csv), folder=folder)
    data |= {"feature_tables": [Path(path) for path in snakemake.input.tables], "seed": snakemake.params.seed}
    card = {"dataset": snakemake.wildcards.dataset, "clip": snakemake.params.clip}
    fit_bundle(model, snakemake.params.preset, **data, card=card, folder=Path(snakemake.output.bundle))
