"""One model as a run in MLflow."""

import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from songwise.models.bundle import TRUSTED_TYPES, model_file
from songwise.models.trained_networks import is_network_bundle
from songwise.paths import protocol_of
from songwise.tracking.curves import curve_files, mean_curves
from songwise.tracking.metrics import fold_metrics, fold_table, leakage_table, own_metrics
from songwise.tracking.result import PICTURES, TABLES, Entry, Fit

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput
    from mlflow.entities import Run as LoggedRun

_LIBRARIES = ("numpy", "scikit-learn", "skops", "xgboost")


def log_run(
    client: "MlflowClient",
    experiment_id: str,
    entry: Entry,
    fit: Fit,
    *,
    data: "DatasetInput",
    compared: Mapping[str, float],
    tags: Mapping[str, str],
) -> str:
    """Log a model as a finished run, whose duration is that of the fits.

    If the process is killed meanwhile, the run stays unfinished; after an error of MLflow it is a failed one.

    Parameters
    ----------
    client : MlflowClient
        Client of the store.
    experiment_id : str
        The experiment of its data set.
    entry : Entry
        The model.
    fit : Fit
        The fitted model.
    data : mlflow.entities.DatasetInput
        The data set.
    compared : mapping of str to float
        `metrics.compared_metrics`.
    tags : mapping of str to str
        Tags of the run.

    Returns
    -------
    str
        The run's id.
    """
    from mlflow.exceptions import MlflowException

    start, end = (round(1000 * seconds) for seconds in (fit.start, fit.end))
    run = client.create_run(experiment_id, run_name=entry.name, tags=dict(tags), start_time=start)
    run_id = run.info.run_id
    try:
        _fill_run(client, run, entry, fit, data, compared)
    except MlflowException:
        # The next attempt removes it. As a run that seems to be alive, it would stay for an hour.
        with suppress(MlflowException):
            client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, end_time=end)
    return run_id


def _fill_run(
    client: "MlflowClient",
    run: "LoggedRun",
    entry: Entry,
    fit: Fit,
    data: "DatasetInput",
    compared: Mapping[str, float],
) -> None:
    from mlflow.entities import Param

    experiment_id, run_id = run.info.experiment_id, run.info.run_id
    client.log_batch(run_id, params=[Param(key, value) for key, value in _flatten(entry.params).items()])
    client.log_inputs(run_id, datasets=[data])
    model_id = _log_model(client, experiment_id, run_id, entry, fit)
    _log_metrics(client, run_id, model_id, entry, compared)
    _log_files(client, run_id, entry)


def _log_model(client: "MlflowClient", experiment_id: str, run_id: str, entry: Entry, fit: Fit) -> str:
    import mlflow.sklearn
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, Schema
    from sklearn.dummy import DummyClassifier

    # Without this, log_model would put the model into the experiment "Default".
    model = client.create_logged_model(experiment_id, name=entry.name, source_run_id=run_id)
    if is_network_bundle(entry.folder / "bundle"):
        # MLflow's own format of torch is a pickle, so that the bundle among the artifacts is the model.
        client.finalize_logged_model(model.model_id, "READY")
        return model.model_id
    with tempfile.TemporaryDirectory(prefix="songwise-") as temporary:
        folder = Path(temporary, "model")
        # MLflow describes a placeholder, whose file is then replaced by the bundle's: writing the model once more as
        # skops took most of the time. With given requirements and a given signature, MLflow does not run the model.
        mlflow.sklearn.save_model(
            DummyClassifier(),
            folder,
            mlflow_model=Model(
                artifact_path=model.artifact_location,
                run_id=run_id,
                model_uuid=model.model_id,
                model_id=model.model_id,
            ),
            serialization_format="skops",
            skops_trusted_types=TRUSTED_TYPES,
            pip_requirements=[f"{library}=={version(library)}" for library in _LIBRARIES],
            signature=ModelSignature(
                inputs=Schema([ColSpec("double", column) for column in fit.card["columns"]]),
                outputs=Schema([ColSpec("long")]),
            ),
        )
        (placeholder,) = folder.glob("*.skops")
        shutil.copyfile(model_file(entry.folder / "bundle"), placeholder)
        client.log_model_artifacts(model.model_id, str(folder))
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    client.finalize_logged_model(model.model_id, "READY")
    return model.model_id


def _log_metrics(
    client: "MlflowClient", run_id: str, model_id: str, entry: Entry, compared: Mapping[str, float]
) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    values = [Metric(key, value, now, 0, model_id=model_id) for key, value in own_metrics(entry.metrics).items()]
    values += [Metric(key, value, now, 0) for key, value in compared.items()]
    values += [Metric(key, value, now, step) for key, value, step in fold_metrics(entry.metrics)]
    curves = mean_curves(curve_files(entry.folder))
    values += [Metric(f"training_{point.name}", point.value, now, point.epoch) for point in curves]
    # Pages that do not sort metrics show them in this order.
    client.log_batch(run_id, metrics=sorted(values, key=lambda metric: metric.key))


def _log_files(client: "MlflowClient", run_id: str, entry: Entry) -> None:
    import mlflow

    for name in (*PICTURES, *TABLES, "bundle"):
        client.log_artifact(run_id, entry.folder / name)
    for name in PICTURES:
        # With a key, the pictures of all runs stand side by side in the chart view.
        picture = entry.folder / name
        client.log_image(run_id, mlflow.Image(str(picture)), key=picture.stem, step=0)
    for path in curve_files(entry.folder):
        client.log_artifact(run_id, path, f"curves/{protocol_of(path)}")
    tables = {"folds.json": fold_table(entry.metrics), "leakage.json": leakage_table(entry.leakage)}
    for name, table in tables.items():
        client.log_dict(run_id, table, name)
    # Not log_table, which needs pandas: with this tag, the pages show the files as tables.
    client.set_tag(run_id, "mlflow.loggedArtifacts", json.dumps([{"path": name, "type": "table"} for name in tables]))


def _flatten(params: dict, prefix: str = "") -> dict[str, str]:
    """Return nested parameters as text under dotted names."""
    flat = {}
    for key, value in params.items():
        if isinstance(value, dict) and value:
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat
