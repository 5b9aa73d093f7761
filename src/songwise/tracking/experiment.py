"""The experiment of a data set in MLflow, which opens as a leaderboard."""

import json
from typing import TYPE_CHECKING

from songwise.tracking.metrics import CLIP_ACCURACY, INFLATION, RANDOM, SONG_ACCURACIES, SONG_ACCURACY
from songwise.tracking.result import IMAGES

if TYPE_CHECKING:
    from mlflow import MlflowClient

# MLflow's list of runs shows no metrics by default, and its charts are in alphabetical order. A shared view has the
# columns of a leaderboard, and charts that begin with the result and the confusion matrices.
_COLUMNS = [f"metrics.`{name}`" for name in (*SONG_ACCURACIES, INFLATION, RANDOM, CLIP_ACCURACY)] + [
    "tags.`tied`",
    "attributes.`Duration`",
]
_WIDTH = 150  # pixels: the longest name of a column
_SECTIONS = {"Result": ((SONG_ACCURACY, INFLATION), 2), "Confusion matrices": (IMAGES, 1)}  # charts, and columns
_VIEW = {
    "searchFilter": "tags.stale IS NULL",
    "orderByKey": f"metrics.`{SONG_ACCURACY}`",
    "orderByAsc": False,
    "selectedColumns": _COLUMNS,
    "columnOrder": _COLUMNS,
    "columnWidths": dict.fromkeys(_COLUMNS, _WIDTH),
    "isAccordionReordered": True,  # otherwise, MLflow sorts the sections
    "compareRunSections": [
        {"uuid": name, "name": name, "display": True, "isReordered": True, "columns": columns}
        for name, (_, columns) in _SECTIONS.items()
    ],
    "compareRunCharts": [
        {"uuid": chart, "metricSectionId": section, "isGenerated": True, "deleted": False, "runsCountToCompare": 10}
        | (
            {"type": "IMAGE", "imageKeys": [chart], "step": 0, "showRunParams": False}
            if chart in IMAGES
            else {"type": "BAR", "metricKey": chart}
        )
        for section, (charts, _) in _SECTIONS.items()
        for chart in charts
    ],
}
LEADERBOARD = "Leaderboard, best first"
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
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.create_experiment(name, tags=_TAGS)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        experiment = client.get_experiment_by_name(name)  # which somebody else has just created
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


def page_links(experiment_id: str) -> dict[str, str]:
    """Return the addresses of an experiment's pages, to put after the server's.

    Parameters
    ----------
    experiment_id : str
        The experiment.

    Returns
    -------
    dict of str to str
        The leaderboard, and the charts with all confusion matrices, by their titles.
    """
    # Without the type of workflow, MLflow shows the pages for language models, until its user chooses the other ones.
    leaderboard = f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={_VIEW_NAME}"
    return {
        LEADERBOARD: leaderboard,
        "Charts and confusion matrices": f"{leaderboard}&compareRunsMode=CHART",
    }


def _set_tags(client: "MlflowClient", experiment_id: str, tags: dict[str, str]) -> None:
    known = client.get_experiment(experiment_id).tags
    for key, value in tags.items():
        if known.get(key) != value:
            client.set_experiment_tag(experiment_id, key, value)
