"""MLflow runs of all models in results/, to compare in `mlflow ui`.

The store can be rebuilt at any time, and no result depends on it. The tag `run_key` identifies a run, so logging again
adds nothing, and incomplete runs of a killed process are replaced.
"""

import csv
import io
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songwise.datasets.pointers import shared_version
from songwise.errors import InputError
from songwise.files import read_json, read_rows
from songwise.models.bundle import TRUSTED_TYPES, load_bundle
from songwise.models.trained_networks import is_network_bundle
from songwise.paths import Run, model_folder, protocol_of, results_of
from songwise.tracking.curves import curve_files, mean_curves
from songwise.tracking.registry import read_champion, register_champion
from songwise.tracking.store import open_experiment, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as LoggedRun

_FIGURES = ("confusion_clip.png", "confusion_song.png", "confusion_clip.csv", "confusion_song.csv")
_LIBRARIES = ("numpy", "scikit-learn", "skops", "xgboost")


@dataclass(frozen=True)
class _Result:
    """The files of one model that a run shows.

    Attributes
    ----------
    folder : Path
        The model's folder.
    params : dict
        params.json.
    metrics : dict
        metrics.json, without the folds.
    folds : list of dict
        Metrics of each fold, with `repeat` and `fold`.
    pipeline : Pipeline
        The fitted model.
    card : dict
        The model's description, with the names of its feature `columns`.
    leakage : str
        The model's rows of leakage.csv. Empty if there are none.
    """

    folder: Path
    params: dict
    metrics: dict
    folds: list[dict]
    pipeline: Any
    card: dict
    leakage: str


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
    params_of = _read_all_params(folder)
    champion = read_champion(folder, [params["run_key"] for params in params_of.values()])
    experiment_id = open_experiment(client, folder.name)
    logged = [run for run in _all_runs(client, experiment_id) if "run_key" in run.data.tags]
    finished = {run.data.tags["run_key"]: run for run in logged if run.info.status == "FINISHED"}
    run_ids, ids_of_keys = {}, {}
    for run_name, params in params_of.items():
        key, data_version = params["run_key"], shared or params["data_key"]
        if key in finished:
            run_ids[run_name] = ids_of_keys[key] = _update_run(client, finished[key], data_version)
            continue
        for run in logged:
            if run.data.tags["run_key"] == key:
                _delete_unfinished(client, run)
        result = _read_result(model_folder(folder, run_name), params)
        run_ids[run_name] = ids_of_keys[key] = _log_run(client, experiment_id, result, data_version, git_commit)
    for run in logged:
        if run.data.tags["run_key"] not in ids_of_keys and run.data.tags.get("stale") != "true":
            client.set_tag(run.info.run_id, "stale", "true")
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


def _update_run(client: "MlflowClient", run: "LoggedRun", data_version: str) -> str:
    """Update the tags of a run that was logged before, and return its id."""
    if "stale" in run.data.tags:
        client.delete_tag(run.info.run_id, "stale")
    if run.data.tags.get("data_version") != data_version:
        client.set_tag(run.info.run_id, "data_version", data_version)
    return run.info.run_id


def _delete_unfinished(client: "MlflowClient", run: "LoggedRun") -> None:
    for model in client.search_logged_models(
        [run.info.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'"
    ):
        client.delete_logged_model(model.model_id)
    client.delete_run(run.info.run_id)


def _read_all_params(folder: Path) -> dict[str, dict]:
    """Return params.json of each row of the leaderboard, by MODEL@PRESET."""
    names = [str(Run(row["model"], row["features"])) for row in read_rows(folder / "leaderboard.csv")]
    return {name: _read_params(model_folder(folder, name) / "params.json") for name in names}


def _read_params(path: Path) -> dict:
    params = _read_json(path)
    if "data_key" not in params:
        raise InputError(f"{path}: was written by an earlier version of songwise; run snakemake again")
    return params


def _read_result(folder: Path, params: dict) -> _Result:
    """Read everything before anything is logged, so that a missing file does not leave an incomplete run."""
    metrics = _read_json(folder / "metrics.json")
    folds = metrics.pop("folds")
    pipeline, card = load_bundle(folder / "bundle")
    leakage = _read_leakage(results_of(folder) / "leakage.csv", params)
    for name in _FIGURES:
        if not (folder / name).exists():
            raise InputError(f"{folder / name}: is missing; run snakemake again")
    return _Result(folder, params, metrics, folds, pipeline, card, leakage)


def _read_leakage(path: Path, params: dict) -> str:
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


def _read_json(path: Path) -> dict:
    try:
        return read_json(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); run snakemake again") from None
    except ValueError as error:
        raise InputError(f"{path}: is not valid JSON ({error}); delete it and run snakemake again") from None


def _log_run(
    client: "MlflowClient", experiment_id: str, result: _Result, data_version: str, git_commit: str | None
) -> str:
    from mlflow.entities import Param

    tags = {key: result.params[key] for key in ("run_key", "code_version")} | {"data_version": data_version}
    if git_commit is not None:
        tags |= {"git_commit": git_commit, "mlflow.source.git.commit": git_commit}
    run_id = client.create_run(experiment_id, run_name=result.folder.name, tags=tags).info.run_id
    client.log_batch(run_id, params=[Param(key, value) for key, value in _flatten(result.params).items()])
    model_id = _log_model(client, experiment_id, run_id, result)
    _log_metrics(client, run_id, model_id, result)
    for name in (*_FIGURES, "bundle"):
        client.log_artifact(run_id, result.folder / name)
    for path in curve_files(result.folder):
        client.log_artifact(run_id, path, f"curves/{protocol_of(path)}")
    if result.leakage:
        client.log_text(run_id, result.leakage, "leakage.csv")
    client.set_terminated(run_id)
    return run_id


def _log_model(client: "MlflowClient", experiment_id: str, run_id: str, result: _Result) -> str:
    import mlflow.sklearn
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    # Without this, log_model would put the model into the experiment "Default".
    model = client.create_logged_model(experiment_id, name="model", source_run_id=run_id)
    if is_network_bundle(result.folder / "bundle"):
        # MLflow's own format of torch is a pickle, so that the bundle among the artifacts is the model.
        client.finalize_logged_model(model.model_id, "READY")
        return model.model_id
    # With given requirements and a given signature, MLflow does not run the model to infer them (5 s or more).
    mlflow.sklearn.log_model(
        result.pipeline,
        model_id=model.model_id,
        run_id=run_id,
        serialization_format="skops",
        skops_trusted_types=TRUSTED_TYPES,
        pip_requirements=[f"{library}=={version(library)}" for library in _LIBRARIES],
        signature=ModelSignature(
            inputs=Schema([ColSpec("double", column) for column in result.card["columns"]]),
            outputs=Schema([ColSpec("long")]),
        ),
    )
    return model.model_id


def _log_metrics(client: "MlflowClient", run_id: str, model_id: str, result: _Result) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    n_folds = 1 + max(fold["fold"] for fold in result.folds)
    values = [Metric(key, value, now, 0, model_id=model_id) for key, value in _numbers(result.metrics)]
    for fold in result.folds:
        step = fold["repeat"] * n_folds + fold["fold"]
        scores = {key: value for key, value in fold.items() if key not in ("repeat", "fold")}
        values += [Metric(f"fold_{key}", value, now, step) for key, value in _numbers(scores)]
    curves = mean_curves(curve_files(result.folder))
    values += [Metric(point.name, point.value, now, point.epoch) for point in curves]
    client.log_batch(run_id, metrics=values)


def _flatten(params: dict, prefix: str = "") -> dict[str, str]:
    """Return nested parameters as text under dotted names."""
    flat = {}
    for key, value in params.items():
        if isinstance(value, dict) and value:
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def _numbers(values: dict) -> list[tuple[str, float]]:
    return [(key, value) for key, value in values.items() if isinstance(value, int | float)]
