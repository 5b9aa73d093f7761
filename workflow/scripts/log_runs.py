"""Bring DVC's view and MLflow's store up to date with results/."""

from pathlib import Path

from songwise.runtime.job import job

with job(snakemake.log[0], snakemake.input):
    from songwise.files import write_json
    from songwise.paths import results_folder
    from songwise.runtime.provenance import git_commit
    from songwise.tracking.dvc_view import write_dvc_view
    from songwise.tracking.runs import log_runs

    dataset = snakemake.wildcards.dataset
    write_dvc_view(results_folder(dataset), Path(snakemake.output.dvc_best).parents[1])
    found = log_runs(Path("results"), git_commit=git_commit(), dataset=dataset)
    write_json(Path(snakemake.output.tracking), found | {"generation": snakemake.params.generation})
