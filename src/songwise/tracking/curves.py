"""Training curves of networks, as metrics that MLflow can draw."""

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from songwise.files import read_rows
from songwise.paths import protocol_of

_LOSSES = ("training_loss", "held_out_loss", "held_out_accuracy")


class Point(NamedTuple):
    """One point of a curve.

    Attributes
    ----------
    name : str
        Such as "by-song_held_out_loss".
    value : float
        Mean over the fits that reached the epoch.
    epoch : int
        From 1.
    """

    name: str
    value: float
    epoch: int


def curve_files(folder: Path) -> list[Path]:
    """Return the curves of a model's folder, one file per protocol; none if the model is not a network."""
    return sorted(folder.glob("*/curves.csv"))


def mean_curves(files: list[Path]) -> list[Point]:
    """Return the curves of a model, averaged over folds and repeats.

    Parameters
    ----------
    files : list of Path
        The model's `curve_files`.

    Returns
    -------
    list of Point
        By protocol, then by epoch.
    """
    values: dict[tuple[str, int], list[float]] = defaultdict(list)
    for path in files:
        for row in read_rows(path):
            for name in _LOSSES:
                if row[name]:
                    values[f"{protocol_of(path)}_{name}", int(row["epoch"])].append(float(row[name]))
    return [Point(name, sum(known) / len(known), epoch) for (name, epoch), known in values.items()]
