"""The data set of a run as MLflow's "Dataset", so that runs can be found by the data that they saw."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from songwise.files import read_rows
from songwise.report.summary import Summary

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

_SHOWN = 100  # classes in the profile: MLflow limits its length
_CONTEXT = "cross-validation"


def dataset_input(results: Path, summary: Summary, data_key: str) -> "DatasetInput":
    """Return the data set as an input of a run.

    Parameters
    ----------
    results : Path
        Folder results/DATASET, with tracks.csv, the source that MLflow shows.
    summary : Summary
        The result of the data set.
    data_key : str
        Hash of the data's content, which becomes the digest.

    Returns
    -------
    mlflow.entities.DatasetInput
        Its schema is the columns of tracks.csv. Its profile counts songs, clips, and tracks per class.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    tracks = results / "tracks.csv"
    classes = Counter(row["label"] for row in read_rows(tracks) if row["status"] == "ok")
    profile = {
        "num_rows": summary.n_clips,
        "n_songs": summary.n_songs,
        "n_clips": summary.n_clips,
        "n_classes": len(classes),
        "tracks_of_class": dict(classes.most_common(_SHOWN)),
    }
    return DatasetInput(
        Dataset(
            name=summary.dataset,
            digest=data_key,
            source_type="local",
            source=json.dumps({"uri": tracks.as_posix()}),
            schema=json.dumps({"mlflow_colspec": [{"name": name, "type": "string"} for name in _columns(tracks)]}),
            profile=json.dumps(profile),
        ),
        tags=[InputTag("mlflow.data.context", _CONTEXT)],
    )


def _columns(table: Path) -> list[str]:
    with table.open(encoding="utf-8", newline="") as stream:
        return next(csv.reader(stream))
