"""Bring MLflow's store up to date with results/."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0]):
    from songwise.files import write_json
    from songwise.runtime.provenance import git_commit
    from songwise.tracking.runs import log_runs

    found = log_runs(Path("results"), git_commit=git_commit(), dataset=snakemake.wildcards.dataset)
    write_json(Path(snakemake.output.tracking), found | {"generation": snakemake.params.generation})
