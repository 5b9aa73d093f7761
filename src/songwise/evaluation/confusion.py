"""Confusion matrices per group, from which accuracies and their intervals follow."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from songwise.evaluation.bootstrap import drawn_sums
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
    counts : csr_array of float, shape (groups, labels * labels)
        Votes by true and predicted label, mean over repeats; all 0 for a group that was not tested. Sparse, because a
        group has few labels.
    """

    def __init__(self, table: pd.DataFrame, units: Units, labels: list[str]):
        groups = units.groups
        self._labels = len(labels)
        shape = (len(groups), len(labels) ** 2)
        true, predicted = codes(table["label"], labels), codes(table["predicted"], labels)
        group = pd.Index(groups).get_indexer(table["song"].map(units.group_of))
        flat = np.ravel_multi_index((group, true * len(labels) + predicted), shape)
        cells, cell = np.unique(flat, return_inverse=True)
        self.counts = csr_array((np.bincount(cell, units.votes(table)), np.unravel_index(cells, shape)), shape)

    @property
    def total(self) -> np.ndarray:
        """The matrix of all groups, shape (labels, labels)."""
        return self._matrices(self.counts.sum(axis=0))

    @property
    def hits(self) -> np.ndarray:
        """The votes that are right in each group, shape (groups,)."""
        return self.counts @ np.eye(self._labels).ravel()

    @property
    def votes(self) -> np.ndarray:
        """All votes of each group, shape (groups,)."""
        return self.counts.sum(axis=1)

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
        return self._matrices(drawn_sums(draws, self.counts))

    def _matrices(self, rows: np.ndarray) -> np.ndarray:
        return rows.reshape(*rows.shape[:-1], self._labels, self._labels)


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
