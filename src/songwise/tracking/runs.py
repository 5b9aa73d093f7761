"""MLflow as a view of results/: every model that results/ holds becomes one run, to compare in `mlflow ui`.

The view is rebuilt at will. A run is recognised by its tag `run_key`, so logging again adds nothing, and
what a killed process left half done is replaced. No result depends on it, and MLflow is imported only when
there is something to log, because that alone takes seconds.
"""

import csv
import io
import json
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

from songwise.datasets.pointers import shared_version
from songwise.errors import InputError
from songwise.files import read_json, read_rows
from songwise.models.bundle import TRUSTED_TYPES, load_bundle
from songwise.runtime.lock import exclusive

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # No connection outlives its query: a store that was deleted and made anew in the life of this process
    # must not be written through a handle on the deleted file.
    "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",
}
# MLflow retries for minutes. That suits a busy server but not a wrong address: the first request has one try.
_FIRST_REQUEST = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}

# MLflow's list of runs opens without a single metric, and 3.17 opens every experiment as one about language
# models, whatever its kind. A shared view has what a leaderboard needs; a link opens it:
# /#/experiments/ID/runs?workflowType=machine_learning&viewStateShareKey=leaderboard
_COLUMNS = ("song_accuracy", "song_accuracy_low", "song_accuracy_high", "clip_accuracy", "fit_seconds")
_VIEW = {
    "searchFilter": "tags.stale IS NULL",
    "orderByKey": "metrics.`song_accuracy`",
    "orderByAsc": False,
    "selectedColumns": [f"metrics.`{name}`" for name in _COLUMNS],
}
_EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development",
    "mlflow.sharedViewState.leaderboard": json.dumps(_VIEW),
}

_FIGURES = ("confusion_clip.png", "confusion_song.png", "confusion_clip.csv", "confusion_song.csv")
_LIBRARIES = ("numpy", "scikit-learn", "skops", "xgboost")


def log_runs(results: Path, *, git_commit: str | None, dataset: str | None = None, root: Path = Path()) -> dict:
    """Bring the MLflow store up to date with `results`: an experiment per data set, a run per MODEL@PRESET.

    The store is MLflow's own choice: MLFLOW_TRACKING_URI, or else mlflow.db and mlruns/ in the current
    folder, where `mlflow ui` looks too. Runs whose run_key the leaderboard of their data set holds no more
    are tagged stale=true and kept. The tag data_version is the hash in data/raw/DATASET.dvc, where the data at hand
    is what was shared (`pointers.shared_version`), and else that of the data's content; sharing changes the tag alone.

    Parameters
    ----------
    results : the folder that holds DATASET/leaderboard.csv and DATASET/models/MODEL@PRESET/.
    dataset : the one whose results are known to be complete; others are skipped, with a line that says so, where
        a run that was stopped left them half done. None: all must be complete.
    git_commit : a tag for runs logged by this call; None outside of a repository.
    root : the folder that holds data/.

    Returns
    -------
    {"store": URI, "experiments": {DATASET: {"experiment_id": ..., "runs": {"MODEL@PRESET": run_id}}}}

    Raises
    ------
    InputError
        The store is broken or out of reach, or a file below `results` is missing or not as it should be.
    """
    folders = sorted(path.parent for path in Path(results).glob("*/leaderboard.csv"))
    if not folders:
        raise InputError(f"{results}: no DATASET/leaderboard.csv in it; run snakemake first")
    with _quiet_mlflow():
        import mlflow

        store = mlflow.get_tracking_uri()
        if not mlflow.is_tracking_uri_set():
            # MLflow quotes its default but never unquotes it: "my music/" would log into a new "my%20music/".
            store = unquote(store)
        with _environment({"MLFLOW_TRACKING_URI": store}), _words_for_errors(store), _ready(store):
            client = mlflow.MlflowClient(store)
            with _environment(_FIRST_REQUEST):
                client.search_experiments(max_results=1)
            experiments = {}
            for folder in folders:
                try:
                    shared = shared_version(folder.name, root)
                    experiments[folder.name] = _log_dataset(client, folder, git_commit, shared)
                except InputError as error:
                    if dataset in (None, folder.name):
                        raise
                    print(f"{folder.name}: not logged, since its results are not complete ({error})")
    return {"store": _without_password(store, store), "experiments": experiments}


def _log_dataset(client, folder: Path, git_commit: str | None, shared: str | None) -> dict:
    experiment_id = _experiment(client, folder.name)
    logged = [run for run in _all_runs(client, experiment_id) if "run_key" in run.data.tags]
    finished = {run.data.tags["run_key"]: run for run in logged if run.info.status == "FINISHED"}

    keys, run_ids = set(), {}
    for row in read_rows(folder / "leaderboard.csv"):
        name = f"{row['model']}@{row['features']}"
        source = folder / "models" / name
        params = _read(source / "params.json")
        if "data_key" not in params:
            raise InputError(f"{source / 'params.json'}: is of an earlier version of songwise; run snakemake again")
        key, data_version = params["run_key"], shared or params["data_key"]
        keys.add(key)
        if key in finished:
            run_ids[name] = finished[key].info.run_id
            if "stale" in finished[key].data.tags:
                client.delete_tag(run_ids[name], "stale")
            if finished[key].data.tags.get("data_version") != data_version:
                client.set_tag(run_ids[name], "data_version", data_version)
            continue
        for run in logged:
            if run.data.tags["run_key"] == key:
                _delete_unfinished(client, run)
        run_ids[name] = _log_run(client, experiment_id, source, params, data_version, git_commit)

    for run in logged:
        if run.data.tags["run_key"] not in keys and run.data.tags.get("stale") != "true":
            client.set_tag(run.info.run_id, "stale", "true")
    return {"experiment_id": experiment_id, "runs": run_ids}


def _experiment(client, name: str) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return client.create_experiment(name, tags=_EXPERIMENT_TAGS)
    if experiment.lifecycle_stage == "deleted":
        # Deleted in the UI: its name stays taken, so the only way to show these runs is to bring it back.
        client.restore_experiment(experiment.experiment_id)
    return experiment.experiment_id


def _all_runs(client, experiment_id: str) -> list:
    page = client.search_runs([experiment_id])
    runs = list(page)
    while page.token:
        page = client.search_runs([experiment_id], page_token=page.token)
        runs += page
    return runs


def _delete_unfinished(client, run) -> None:
    for model in client.search_logged_models(
        [run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'"
    ):
        client.delete_logged_model(model.model_id)
    client.delete_run(run.info.run_id)


def _log_run(client, experiment_id: str, source: Path, params: dict, data_version: str, git_commit: str | None) -> str:
    from mlflow.entities import Metric, Param

    # All is read before anything is written, so that a file that is missing leaves no half a run behind.
    metrics = _read(source / "metrics.json")
    folds = metrics.pop("folds")
    pipeline, card = load_bundle(source / "bundle")
    leakage = _leakage_of(params, source.parents[1] / "leakage.csv")
    for name in _FIGURES:
        if not (source / name).exists():
            raise InputError(f"{source / name}: missing; run snakemake again")

    tags = {key: params[key] for key in ("run_key", "code_version")} | {"data_version": data_version}
    if git_commit is not None:
        tags |= {"git_commit": git_commit, "mlflow.source.git.commit": git_commit}
    run_id = client.create_run(experiment_id, run_name=source.name, tags=tags).info.run_id
    client.log_batch(run_id, params=[Param(key, value) for key, value in _flat(params).items()])
    model_id = _log_model(client, experiment_id, run_id, pipeline, card)

    now = int(time.time() * 1000)
    n_folds = 1 + max(fold["fold"] for fold in folds)
    values = [Metric(key, value, now, 0, model_id=model_id) for key, value in _numbers(metrics)]
    for fold in folds:
        step = fold.pop("repeat") * n_folds + fold.pop("fold")
        values += [Metric(f"fold_{key}", value, now, step) for key, value in _numbers(fold)]
    client.log_batch(run_id, metrics=values)

    for name in (*_FIGURES, "bundle"):
        client.log_artifact(run_id, source / name)
    if leakage:
        client.log_text(run_id, leakage, "leakage.csv")
    client.set_terminated(run_id)
    return run_id


def _log_model(client, experiment_id: str, run_id: str, pipeline, card: dict) -> str:
    import mlflow.sklearn
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    # Made here because log_model by itself would file it under the experiment "Default".
    model = client.create_logged_model(experiment_id, name="model", source_run_id=run_id)
    # Requirements and a signature that are given need not be found out by running the model (5 s or more).
    mlflow.sklearn.log_model(
        pipeline,
        model_id=model.model_id,
        run_id=run_id,
        serialization_format="skops",
        skops_trusted_types=TRUSTED_TYPES,
        pip_requirements=[f"{library}=={version(library)}" for library in _LIBRARIES],
        signature=ModelSignature(
            inputs=Schema([ColSpec("double", column) for column in card["columns"]]),
            outputs=Schema([ColSpec("long")]),
        ),
    )
    return model.model_id


def _leakage_of(params: dict, path: Path) -> str:
    if not path.exists():
        return ""
    model = (params["model"], params["features"])
    rows = [row for row in read_rows(path) if (row["model"], row["features"]) == model]
    if not rows:
        return ""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _flat(params: dict, prefix: str = "") -> dict[str, str]:
    flat = {}
    for key, value in params.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def _numbers(values: dict) -> list[tuple[str, float]]:
    return [(key, value) for key, value in values.items() if isinstance(value, int | float)]


def _read(path: Path):
    try:
        return read_json(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; run snakemake again") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); delete it and run snakemake again") from None


@contextmanager
def _quiet_mlflow() -> Iterator[None]:
    """MLflow without telemetry and progress bars, its log silent: what goes wrong is raised and said once."""
    with _environment(_ENVIRONMENT):
        import mlflow  # noqa: F401  (its import sets the log levels that are changed here)

        loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _words_for_errors(store: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        reason = str(error).partition("\n")[0]
        if store.startswith(("sqlite:", "file:")):
            remedy = "if it is damaged or an older MLflow's, move it away and run again: results/ has it all"
        else:
            remedy = "check that it is up, or unset MLFLOW_TRACKING_URI to log into this folder"
        raise InputError(_without_password(store, f"MLflow store {store}: {reason}; {remedy}")) from None


def _without_password(store: str, text: str) -> str:
    password = urlsplit(store).password
    return text.replace(f":{password}@", "@") if password else text


@contextmanager
def _ready(store: str) -> Iterator[None]:
    """The store, if it is a SQLite file, whole and for this process alone.

    Two processes at once, or one that is killed, would leave a new database half migrated, which MLflow
    cannot repair. So the database is made beside its place and moved there.
    """
    if not store.startswith("sqlite:"):
        yield
        return
    from mlflow.store.tracking import DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import make_url

    database = Path(make_url(store).database)
    with exclusive(database.with_name(f".{database.name}.lock")):
        if database.exists():
            # Asked here because MLflow takes 100 s of retries to say that a file is no database.
            with closing(sqlite3.connect(database)) as connection:
                connection.execute("PRAGMA schema_version")
        else:
            new = database.with_name(f".{database.name}.new")
            new.unlink(missing_ok=True)
            SqlAlchemyStore(f"sqlite:///{new}", DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH)
            new.rename(database)
        yield
