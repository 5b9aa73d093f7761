"""Confusion matrices per group, from which accuracies and their intervals follow."""

from pathlib import Path

import numpy as np
import pandas as pd

from songwise.evaluation.predictions import codes
from songwise.evaluation.votes import Units
from songwise.files import write_rows


class Confusions:
    """The confusion matrix of every group.

    Parameters
    ----------
    table : DataFrame
        One row per clip, or per song, and repeat, with the columns repeat, song, label and predicted.
    units : Units
        Votes of the rows, and their groups.
    labels : list of str
        Classes, sorted.

    Attributes
    ----------
    counts : ndarray of float, shape (groups, labels, labels)
        Votes by true and predicted label, mean over repeats; all 0 for a group that was not tested.
    """

    def __init__(self, table: pd.DataFrame, units: Units, labels: list[str]):
        groups = units.groups
        shape = (len(groups), len(labels), len(labels))
        at = (
            pd.Index(groups).get_indexer(table["song"].map(units.group_of)),
            codes(table["label"], labels),
            codes(table["predicted"], labels),
        )
        flat = np.ravel_multi_index(at, shape)
        self.counts = np.bincount(flat, units.votes(table), minlength=np.prod(shape)).reshape(shape)

    @property
    def total(self) -> np.ndarray:
        """The matrix of all groups, shape (labels, labels)."""
        return self.counts.sum(axis=0)

    @property
    def hits(self) -> np.ndarray:
        """The votes that are right in each group, shape (groups,)."""
        return np.trace(self.counts, axis1=1, axis2=2)

    @property
    def votes(self) -> np.ndarray:
        """All votes of each group, shape (groups,)."""
        return self.counts.sum(axis=(1, 2))

    def resampled(self, draws: np.ndarray) -> np.ndarray:
        """Return the matrix of each bootstrap draw.

        Parameters
        ----------
        draws : ndarray of int, shape (draws, groups)
            How often each group is drawn.

        Returns
        -------
        ndarray of float, shape (draws, labels, labels)
            Sums of the drawn groups' matrices.
        """
        return np.tensordot(draws, self.counts, axes=1)


def write_confusion(path: Path, matrix: np.ndarray, labels: list[str]) -> None:
    """Write a confusion matrix as a CSV: the true label, then one column per predicted label.

    Parameters
    ----------
    path : Path
        CSV to write.
    matrix : ndarray of float, shape (labels, labels)
        Votes, rounded to three decimals.
    labels : list of str
        Names of the rows and columns.
    """
    rounded = [dict(zip(labels, row, strict=True)) for row in np.round(matrix, 3).tolist()]
    rows = [{"label": label, **row} for label, row in zip(labels, rounded, strict=True)]
    write_rows(path, ["label", *labels], rows)
