"""Test whether facts about the files, without the music, identify the classes."""

import sys
from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.studies.shortcuts import audit_shortcuts

    result = audit_shortcuts(
        tracks_csv=Path(snakemake.input.tracks_csv),
        duplicates_csv=Path(snakemake.input.duplicates_csv),
        splits_csv=Path(snakemake.input.splits_csv),
        protocol=snakemake.params.protocol,
        label=snakemake.params.label,
        seed=snakemake.params.seed,
        table=Path(snakemake.output.table),
        output=Path(snakemake.output.found),
    )
    print(result["finding"], file=sys.stderr if result["beats_chance"] else sys.stdout)
