"""MLflow runs of all models in results/, to compare in `mlflow ui`.

The store can be rebuilt at any time, and no result depends on it. The tag `run_key` identifies a run, so logging again
adds nothing, and incomplete runs of a killed process are replaced.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from songwise.datasets.pointers import shared_version
from songwise.errors import InputError
from songwise.report.summary import Summary
from songwise.tracking.data_set import dataset_input
from songwise.tracking.experiment import describe_experiment, open_experiment, page_links
from songwise.tracking.log_run import log_run
from songwise.tracking.metrics import compared_metrics
from songwise.tracking.notes import experiment_note, run_note
from songwise.tracking.registry import ALIAS, read_champion, register_champion
from songwise.tracking.result import Entry, read_entries, read_fit, read_result
from songwise.tracking.store import open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as LoggedRun

# What a run contains. Runs that an earlier version of songwise logged have another content, and are logged anew.
_CONTENT = "2"


def log_runs(results: Path, *, git_commit: str | None, dataset: str | None = None, root: Path = Path()) -> dict:
    """Update the MLflow store from the results: one experiment per data set, one run per MODEL@PRESET.

    The champion of a data set, if it has one, is registered as the model DATASET with the alias `champion`
    (`registry.register_champion`).

    A run whose run_key is no longer in the leaderboard of its data set is kept and gets the tag stale=true. The tag
    data_version is the hash in data/raw/DATASET.dvc if the data on this machine are what was shared
    (`pointers.shared_version`), and the hash of the data's content otherwise.

    Parameters
    ----------
    results : Path
        The folder with DATASET/leaderboard.csv and DATASET/models/MODEL@PRESET/.
    git_commit : str or None
        Tag of the runs that this call logs. None outside a git repository.
    dataset : str, optional
        The data set whose results must be complete. Other data sets with incomplete results are skipped with a message.
        By default all must be complete.
    root : Path, default=Path()
        The folder that contains data/.

    Returns
    -------
    dict
        {"store": URI, "experiments": {DATASET: {"experiment_id": ID, "runs": {MODEL@PRESET: RUN_ID}, "version": N}}}.
        The version of the registered champion is missing if the data set has none.

    Raises
    ------
    InputError
        If the store is damaged or cannot be reached, or if a file of the results is missing or invalid.
    """
    folders = sorted(path.parent for path in Path(results).glob("*/leaderboard.csv"))
    if not folders:
        raise InputError(f"{results}: contains no DATASET/leaderboard.csv; run snakemake first")
    experiments = {}
    with open_store() as store:
        for folder in folders:
            try:
                shared = shared_version(folder.name, root)
                experiments[folder.name] = _log_dataset(store.client, folder, git_commit, shared)
            except InputError as error:
                if dataset in (None, folder.name):
                    raise
                print(f"{folder.name}: not logged, because its results are incomplete ({error})")
    return {"store": store.address, "experiments": experiments}


def _log_dataset(client: "MlflowClient", folder: Path, git_commit: str | None, shared: str | None) -> dict:
    summary, entries = read_result(folder), read_entries(folder)
    keys = {entry.params["run_key"] for entry in entries.values()}
    champion = read_champion(folder, keys)
    experiment_id = open_experiment(client, folder.name)
    links = page_links(experiment_id)
    logged = [run for run in _all_runs(client, experiment_id) if "run_key" in run.data.tags]
    finished = {run.data.tags["run_key"]: run for run in logged if _is_complete(run)}
    run_ids, ids_of_keys = {}, {}
    for name, entry in entries.items():
        key = entry.params["run_key"]
        tags = _tags(entry, summary, shared, links)
        compared = compared_metrics(entry, summary)
        if key in finished:
            run_ids[name] = ids_of_keys[key] = _update_run(client, finished[key], tags, compared)
            continue
        fit = read_fit(entry, folder, summary.protocol)
        data = dataset_input(folder, summary, entry.params["data_key"])
        for run in logged:
            if run.data.tags["run_key"] == key:
                _delete_run(client, run)
        tags |= _commit_tags(git_commit)
        run_ids[name] = ids_of_keys[key] = log_run(
            client, experiment_id, entry, fit, data=data, compared=compared, tags=tags
        )
    for run in logged:
        if run.data.tags["run_key"] not in keys and run.data.tags.get("stale") != "true":
            client.set_tag(run.info.run_id, "stale", "true")
    describe_experiment(client, experiment_id, experiment_note(summary, folder, links))
    content = {"experiment_id": experiment_id, "runs": run_ids}
    if champion is None:
        return content
    run = client.get_run(ids_of_keys[champion.card["run_key"]])
    return content | {"version": register_champion(client, champion, run)}


def _all_runs(client: "MlflowClient", experiment_id: str) -> list["LoggedRun"]:
    page = client.search_runs([experiment_id])
    runs = list(page)
    while page.token:
        page = client.search_runs([experiment_id], page_token=page.token)
        runs += page
    return runs


def _is_complete(run: "LoggedRun") -> bool:
    return run.info.status == "FINISHED" and run.data.tags.get("content") == _CONTENT


def _tags(entry: Entry, summary: Summary, shared: str | None, links: Mapping[str, str]) -> dict[str, str]:
    return {
        "run_key": entry.params["run_key"],
        "code_version": entry.params["code_version"],
        "data_version": shared or entry.params["data_key"],
        "content": _CONTENT,
        "model": entry.row["model"],
        "preset": entry.row["features"],
        "tied": entry.row["tied"],
        "this_run": entry.row["this_run"],
        "mlflow.note.content": run_note(entry, summary, links),
    }


def _commit_tags(git_commit: str | None) -> dict[str, str]:
    return {} if git_commit is None else {"git_commit": git_commit, "mlflow.source.git.commit": git_commit}


def _update_run(
    client: "MlflowClient", run: "LoggedRun", tags: Mapping[str, str], compared: Mapping[str, float]
) -> str:
    """Update what can change while a model stays the same, and return the run's id."""
    from mlflow.entities import Metric, RunTag

    known = run.data
    if "stale" in known.tags:
        client.delete_tag(run.info.run_id, "stale")
    now = int(time.time() * 1000)
    client.log_batch(
        run.info.run_id,
        metrics=[Metric(key, value, now, 0) for key, value in compared.items() if known.metrics.get(key) != value],
        tags=[RunTag(key, value) for key, value in tags.items() if known.tags.get(key) != value],
    )
    return run.info.run_id


def _delete_run(client: "MlflowClient", run: "LoggedRun") -> None:
    """Delete a run and its model, but no model that the registry may point to."""
    models = client.search_logged_models([run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'")
    for model in models:
        if model.name != ALIAS:
            client.delete_logged_model(model.model_id)
    client.delete_run(run.info.run_id)
