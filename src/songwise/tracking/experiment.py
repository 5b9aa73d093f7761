"""The experiment of a data set in MLflow, which opens as a leaderboard."""

import json
from typing import TYPE_CHECKING

from songwise.tracking.metrics import FILE_FACTS, GUESSING, RANDOM

if TYPE_CHECKING:
    from mlflow import MlflowClient

# MLflow's list of runs shows no metrics by default. A shared view has the columns of a leaderboard.
_COLUMNS = (
    *("metrics.`song_accuracy`", "metrics.`song_accuracy_low`", "metrics.`song_accuracy_high`"),
    *(f"metrics.`{name}`" for name in (GUESSING, FILE_FACTS, RANDOM)),
    *("tags.`tied`", "attributes.`Duration`"),
)
_VIEW = {
    "searchFilter": "tags.stale IS NULL",
    "orderByKey": "metrics.`song_accuracy`",
    "orderByAsc": False,
    "selectedColumns": list(_COLUMNS),
}
_VIEW_NAME = "leaderboard"
_TAGS = {
    # MLflow 3.17 otherwise shows every experiment as one with language models.
    "mlflow.experimentKind": "custom_model_development",
    f"mlflow.sharedViewState.{_VIEW_NAME}": json.dumps(_VIEW),
}
_NOTE = "mlflow.note.content"


def open_experiment(client: "MlflowClient", name: str) -> str:
    """Return the id of an experiment. Create it if it does not exist, and restore it if it was deleted.

    Parameters
    ----------
    client : MlflowClient
        Client of the store.
    name : str
        Name of the experiment.

    Returns
    -------
    str
        The experiment's id.
    """
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return client.create_experiment(name, tags=_TAGS)
    if experiment.lifecycle_stage == "deleted":
        # The name of an experiment that was deleted in the UI stays reserved, so the only way is to restore it.
        client.restore_experiment(experiment.experiment_id)
    _set_tags(client, experiment.experiment_id, _TAGS)
    return experiment.experiment_id


def describe_experiment(client: "MlflowClient", experiment_id: str, note: str) -> None:
    """Set the note that MLflow shows on an experiment.

    Parameters
    ----------
    client : MlflowClient
        Client of the store.
    experiment_id : str
        The experiment.
    note : str
        Markdown.
    """
    _set_tags(client, experiment_id, {_NOTE: note})


def leaderboard_link(experiment_id: str) -> str:
    """Return the address of an experiment's leaderboard in MLflow's pages, to put after the server's.

    Parameters
    ----------
    experiment_id : str
        The experiment.
    """
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={_VIEW_NAME}"


def _set_tags(client: "MlflowClient", experiment_id: str, tags: dict[str, str]) -> None:
    known = client.get_experiment(experiment_id).tags
    for key, value in tags.items():
        if known.get(key) != value:
            client.set_experiment_tag(experiment_id, key, value)
