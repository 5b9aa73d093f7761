"""Figures of predictions: of confusion matrices, from which intervals follow as well, and of probabilities.

Matrices and rows carry votes (`units.Units.votes`), where scikit-learn's metrics take sample weights; the tests hold
these to those.
"""

import numpy as np
import pandas as pd

from songwise.evaluation.votes import Units

FLOOR = 1e-6  # of a probability: KNN and trees give zeros, whose logarithm would be a veto


class Confusions:
    """Confusion matrices of every group, from which accuracies and their intervals follow.

    Parameters
    ----------
    table : repeat, song, label, predicted; a row a clip or a song, and repeat.
    units : the votes of the rows, and their groups.
    labels : the classes, sorted.

    Attributes
    ----------
    counts : shape (groups, labels, labels), votes by true and predicted label, mean over repeats; all 0 for a group
        that was not tested.
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
        """Votes that are right, shape (groups,)."""
        return np.trace(self.counts, axis1=1, axis2=2)

    @property
    def votes(self) -> np.ndarray:
        """All votes, shape (groups,)."""
        return self.counts.sum(axis=(1, 2))

    def resampled(self, draws: np.ndarray) -> np.ndarray:
        """Matrices, shape (draws, labels, labels), when groups are drawn `draws` (draws, groups) times."""
        return np.tensordot(draws, self.counts, axes=1)


def codes(values: pd.Series, labels: list[str]) -> np.ndarray:
    """Each value's place in `labels`."""
    return pd.Index(labels).get_indexer(values)


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share on the diagonal of confusion matrices, shape (..., labels, labels); NaN for an empty matrix."""
    return _ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)), empty=np.nan)


def balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Mean recall over the classes that occur; shape (..., labels, labels) in, NaN for an empty matrix."""
    support = confusion.sum(axis=-1)
    recall = _ratio(np.diagonal(confusion, axis1=-2, axis2=-1), support)
    return _ratio(recall.sum(axis=-1), (support > 0).sum(axis=-1), empty=np.nan)


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Mean F1 over the classes that are true or predicted somewhere; as above."""
    total = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    f1 = _ratio(2 * np.diagonal(confusion, axis1=-2, axis2=-1), total)
    return _ratio(f1.sum(axis=-1), (total > 0).sum(axis=-1), empty=np.nan)


def class_figures(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall, F1 and support of each class, shape (labels,) each; 0 where there is nothing to divide by."""
    hits, support, predicted = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return {
        "precision": _ratio(hits, predicted),
        "recall": _ratio(hits, support),
        "f1": _ratio(2 * hits, support + predicted),
        "support": support,
    }


def floored(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities, shape (rows, labels), none below FLOOR, renormalised."""
    raised = np.maximum(probabilities, FLOOR)
    return raised / raised.sum(axis=1, keepdims=True)


def log_loss(y: np.ndarray, probabilities: np.ndarray, votes: np.ndarray) -> float:
    """Mean negative logarithm of the true class's floored probability, in nats."""
    true = floored(probabilities)[np.arange(len(y)), y]
    return float(np.average(-np.log(true), weights=votes))


def top2_accuracy(y: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray, votes: np.ndarray) -> float:
    """Share of rows whose true class is the predicted one or the most probable of the others."""
    others = probabilities.copy()
    others[np.arange(len(y)), predicted] = -1
    return float(np.average((predicted == y) | (others.argmax(axis=1) == y), weights=votes))


def roc_auc(y: np.ndarray, probabilities: np.ndarray, fits: np.ndarray, votes: np.ndarray) -> float | None:
    """Area under the ROC curve, one class against the rest, mean over the classes.

    Only rows that one fit tested are compared with one another: probabilities of different fits are on different
    scales, and merging them pulls even a constant prediction away from .5 (Forman and Scholz, SIGKDD Explorations 12,
    2010).

    Parameters
    ----------
    y : int, shape (rows,).
    probabilities : shape (rows, labels).
    fits : int, shape (rows,), which fit tested each row.
    votes : shape (rows,).

    Returns
    -------
    The mean over the classes that some fit has to tell from others; None if there is none.
    """
    areas = []
    for label in range(probabilities.shape[1]):
        # One sort for all fits: of fit 0 the keys are 0 to 1, of fit 1 they are 2 to 3, and so on.
        keys, at = np.unique(2 * fits + probabilities[:, label], return_inverse=True)
        true = np.bincount(at, votes * (y == label))
        false = np.bincount(at, votes * (y != label))
        fit = (keys // 2).astype(int)
        falses = np.bincount(fit, false)
        below = np.cumsum(false) - false - (np.cumsum(falses) - falses)[fit]
        pairs = (np.bincount(fit, true) * falses).sum()
        if pairs > 0:
            areas.append((true * (below + false / 2)).sum() / pairs)
    return float(np.mean(areas)) if areas else None


def _ratio(above: np.ndarray, below: np.ndarray, empty: float = 0.0) -> np.ndarray:
    return np.where(below > 0, above / np.where(below > 0, below, 1), empty)
