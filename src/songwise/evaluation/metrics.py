"""Metrics of confusion matrices, from which intervals follow as well, and of probabilities.

Matrices and rows carry votes (`votes.Units.votes`), as scikit-learn's metrics take sample weights. The tests compare
these functions with scikit-learn's.
"""

import numpy as np

from songwise.evaluation.pooling import floored


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Return the share on the diagonal.

    Parameters
    ----------
    confusion : ndarray of float, shape (..., labels, labels)
        Votes by true and predicted label.

    Returns
    -------
    ndarray of float, shape (...)
        NaN for an empty matrix.
    """
    return _ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)), empty=np.nan)


def balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Return the mean recall over the classes that occur.

    Parameters
    ----------
    confusion : ndarray of float, shape (..., labels, labels)
        Votes by true and predicted label.

    Returns
    -------
    ndarray of float, shape (...)
        NaN for an empty matrix.
    """
    support = confusion.sum(axis=-1)
    recall = _ratio(np.diagonal(confusion, axis1=-2, axis2=-1), support)
    return _ratio(recall.sum(axis=-1), (support > 0).sum(axis=-1), empty=np.nan)


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Return the mean F1 over the classes that are a true or a predicted label of some row.

    Parameters
    ----------
    confusion : ndarray of float, shape (..., labels, labels)
        Votes by true and predicted label.

    Returns
    -------
    ndarray of float, shape (...)
        NaN for an empty matrix.
    """
    total = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    f1 = _ratio(2 * np.diagonal(confusion, axis1=-2, axis2=-1), total)
    return _ratio(f1.sum(axis=-1), (total > 0).sum(axis=-1), empty=np.nan)


def class_figures(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Return precision, recall, F1 and support of each class.

    Parameters
    ----------
    confusion : ndarray of float, shape (labels, labels)
        Votes by true and predicted label.

    Returns
    -------
    dict of str to ndarray of float, shape (labels,)
        Under "precision", "recall", "f1" and "support"; 0 where the divisor is 0.
    """
    hits, support, predicted = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return {
        "precision": _ratio(hits, predicted),
        "recall": _ratio(hits, support),
        "f1": _ratio(2 * hits, support + predicted),
        "support": support,
    }


def log_loss(y: np.ndarray, probabilities: np.ndarray, votes: np.ndarray) -> float:
    """Return the mean negative logarithm of the true class's floored probability.

    Parameters
    ----------
    y : ndarray of int, shape (rows,)
        True class.
    probabilities : ndarray of float, shape (rows, labels)
        Predicted probabilities.
    votes : ndarray of float, shape (rows,)
        Weight of each row.

    Returns
    -------
    float
        In nats; 0 is perfect.
    """
    true = floored(probabilities)[np.arange(len(y)), y]
    return float(np.average(-np.log(true), weights=votes))


def top2_accuracy(y: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray, votes: np.ndarray) -> float:
    """Return the share of rows whose true class is the predicted one or the most probable of the others.

    Parameters
    ----------
    y, predicted : ndarray of int, shape (rows,)
        True and predicted class.
    probabilities : ndarray of float, shape (rows, labels)
        Predicted probabilities.
    votes : ndarray of float, shape (rows,)
        Weight of each row.

    Returns
    -------
    float
        From 0 to 1.
    """
    others = probabilities.copy()
    others[np.arange(len(y)), predicted] = -1
    return float(np.average((predicted == y) | (others.argmax(axis=1) == y), weights=votes))


def roc_auc(y: np.ndarray, probabilities: np.ndarray, fits: np.ndarray, votes: np.ndarray) -> float | None:
    """Return the area under the ROC curve, one class against the rest, as a mean over the classes.

    Only rows that the same fit tested are compared with one another. Probabilities of different fits are on different
    scales, and merging them pulls even a constant prediction away from .5 (Forman and Scholz, SIGKDD Explorations 12,
    2010).

    Parameters
    ----------
    y : ndarray of int, shape (rows,)
        True class.
    probabilities : ndarray of float, shape (rows, labels)
        Predicted probabilities.
    fits : ndarray of int, shape (rows,)
        Number of the fit that tested each row.
    votes : ndarray of float, shape (rows,)
        Weight of each row.

    Returns
    -------
    float or None
        Mean over the classes that some fit tested together with other classes; None if there are none.
    """
    areas = []
    for label in range(probabilities.shape[1]):
        # One sort for all fits: the keys of fit 0 are 0 to 1, those of fit 1 are 2 to 3, and so on.
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
