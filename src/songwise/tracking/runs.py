"""MLflow runs of all models in results/, to compare in `mlflow ui`.

The store can be rebuilt at any time, and no result depends on it. The tag `run_key` identifies a run, so logging again
adds nothing, and incomplete runs of a killed process are replaced.

On a team's server, several processes may log the same data set at once, and MLflow has no locks. So a run is hidden
(stale) until it is complete. After that, each process looks whether another one has logged the same model. All of them
choose the same run, the one that was begun first, and remove the others.
"""

import socket
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from songwise.datasets.pointers import shared_version
from songwise.errors import InputError
from songwise.report.summary import Summary
from songwise.runtime.mlflow_errors import is_conflict, is_denied
from songwise.tracking.data_set import dataset_input
from songwise.tracking.experiment import describe_experiment, open_experiment, page_links
from songwise.tracking.log_run import log_run
from songwise.tracking.metrics import compared_metrics
from songwise.tracking.notes import experiment_note, run_note
from songwise.tracking.registry import ALIAS, read_champion, register_champion
from songwise.tracking.result import Entry, read_entries, read_fit, read_result
from songwise.tracking.store import Store, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as LoggedRun

# What a run contains. Runs that an earlier version of songwise logged have another content, and are logged anew.
_CONTENT = 2
_PATIENCE = 60.0  # seconds; MLflow's server starts in about 15
_ATTEMPTS = 3  # at a data set that another process changes at the same time
_ABANDONED = 3600.0  # seconds; an incomplete run on a server that was begun earlier belongs to no live process


def log_runs(results: Path, *, git_commit: str | None, dataset: str | None = None, root: Path = Path()) -> dict:
    """Update the MLflow store from the results: one experiment per data set, one run per MODEL@PRESET.

    The champion of a data set, if it has one, is registered as the model DATASET with the alias `champion`
    (`registry.register_champion`).

    A run whose run_key is no longer in the leaderboard of its data set is kept and gets the tag stale=true. On a
    server, only the project that logged a run does that: a colleague may train other models of the same data set. The
    tag data_version is the hash in data/raw/DATASET.dvc if the data on this machine are what was shared
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
    origin = _commit_tags(git_commit) | {"project": f"{socket.gethostname()}:{root.resolve()}"}
    with open_store(_PATIENCE) as store:
        for folder in folders:
            try:
                shared = shared_version(folder.name, root)
                experiments[folder.name] = _log_beside_others(store, folder, origin, shared)
            except InputError as error:
                if dataset in (None, folder.name):
                    raise
                print(f"{folder.name}: not logged, because its results are incomplete ({error})")
    return {"store": store.address, "experiments": experiments}


def _log_beside_others(store: Store, folder: Path, origin: Mapping[str, str], shared: str | None) -> dict:
    """Log a data set, again if another process has deleted or created something meanwhile."""
    from mlflow.exceptions import MlflowException

    attempts = _ATTEMPTS if store.is_shared else 1
    while True:
        attempts -= 1
        try:
            return _log_dataset(store, folder, origin, shared)
        except MlflowException as error:
            if not is_conflict(error) or not attempts:
                raise


def _log_dataset(store: Store, folder: Path, origin: Mapping[str, str], shared: str | None) -> dict:
    client = store.client
    summary, entries = read_result(folder), read_entries(folder)
    keys = {entry.params["run_key"] for entry in entries.values()}
    champion = read_champion(folder, keys)
    experiment_id = open_experiment(client, folder.name)
    links = page_links(experiment_id)
    logged = _all_runs(client, experiment_id)
    known = _first_runs(logged)
    _remove(client, [run for run in logged if _key(run) in keys and _is_useless(run, store)])
    for entry in entries.values():
        key = entry.params["run_key"]
        tags = _tags(entry, summary, shared, links)
        compared = compared_metrics(entry, summary)
        if key in known:
            _update_run(client, known[key], tags, compared)
            continue
        fit = read_fit(entry, folder, summary.protocol)
        data = dataset_input(folder, summary, entry.params["data_key"])
        tags |= {**origin, "content": str(_CONTENT), "logged_at": str(time.time_ns()), "stale": "true"}
        run_id = log_run(client, experiment_id, entry, fit, data=data, compared=compared, tags=tags)
        client.delete_tag(run_id, "stale")
    logged = _all_runs(client, experiment_id)
    known = _first_runs(logged)
    _retire(client, logged, keys, origin["project"] if store.is_shared else None)
    describe_experiment(client, experiment_id, experiment_note(summary, folder, links))
    run_ids = {name: known[entry.params["run_key"]].info.run_id for name, entry in entries.items()}
    content = {"experiment_id": experiment_id, "runs": run_ids}
    if champion is None:
        return content
    run = known[champion.card["run_key"]]
    return content | {"version": register_champion(client, champion, run, is_shared=store.is_shared)}


def _all_runs(client: "MlflowClient", experiment_id: str) -> list["LoggedRun"]:
    """Return the runs of songwise in an experiment."""
    page = client.search_runs([experiment_id])
    runs = list(page)
    while page.token:
        page = client.search_runs([experiment_id], page_token=page.token)
        runs += page
    return [run for run in runs if "run_key" in run.data.tags]


def _key(run: "LoggedRun") -> str:
    return run.data.tags["run_key"]


def _begun(run: "LoggedRun") -> int:
    """Return when a run was begun, in nanoseconds; 0 for runs of earlier versions of songwise."""
    return int(run.data.tags.get("logged_at", 0))


def _is_complete(run: "LoggedRun") -> bool:
    # A colleague's newer songwise may log more than this one does.
    return run.info.status == "FINISHED" and int(run.data.tags.get("content", 0)) >= _CONTENT


def _is_useless(run: "LoggedRun", store: Store) -> bool:
    """Return whether a run is incomplete, or of an earlier version, and no live process is logging it."""
    if _is_complete(run):
        return False
    is_live = run.info.status == "RUNNING" and store.is_shared and time.time() - _begun(run) / 1e9 < _ABANDONED
    return not is_live


def _first_runs(runs: Iterable["LoggedRun"]) -> dict[str, "LoggedRun"]:
    """Return the complete run of each run_key: of several, the one that was begun first. Everybody chooses the same."""
    complete = sorted((run for run in runs if _is_complete(run)), key=lambda run: (_begun(run), run.info.run_id))
    return {_key(run): run for run in reversed(complete)}


def _retire(
    client: "MlflowClient", logged: Collection["LoggedRun"], keys: Collection[str], project: str | None
) -> None:
    """Remove runs that are there twice, and mark those of a project that are not on the leaderboard any more."""
    first = {run.info.run_id for run in _first_runs(logged).values()}
    _remove(client, [run for run in logged if _is_complete(run) and run.info.run_id not in first])
    for run in logged:
        is_own = project is None or run.data.tags.get("project") in (None, project)
        if is_own and _key(run) not in keys and run.data.tags.get("stale") != "true":
            client.set_tag(run.info.run_id, "stale", "true")


def _tags(entry: Entry, summary: Summary, shared: str | None, links: Mapping[str, str]) -> dict[str, str]:
    return {
        "run_key": entry.params["run_key"],
        "code_version": entry.params["code_version"],
        "data_version": shared or entry.params["data_key"],
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
) -> None:
    """Update what can change while a model stays the same."""
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


def _remove(client: "MlflowClient", runs: Iterable["LoggedRun"]) -> None:
    """Delete runs and their models, but no model that the registry may point to.

    A server permits that to the experiment's owner only. For anybody else, the runs become stale instead.
    """
    from mlflow.exceptions import MlflowException

    for run in runs:
        try:
            _delete_run(client, run)
        except MlflowException as error:
            if not is_denied(error):
                raise
            if run.data.tags.get("stale") != "true":
                client.set_tag(run.info.run_id, "stale", "true")


def _delete_run(client: "MlflowClient", run: "LoggedRun") -> None:
    experiment, run_id = run.info.experiment_id, run.info.run_id
    for model in client.search_logged_models([experiment], filter_string=f"source_run_id = '{run_id}'"):
        if model.name != ALIAS:
            client.delete_logged_model(model.model_id)
    client.delete_run(run_id)
