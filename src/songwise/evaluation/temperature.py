"""Temperature scaling: probabilities that are as sure as the model is right.

Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, ICML 2017.

All log-probabilities are divided by one number, the temperature, and normalised again. A temperature above 1 makes the
model less sure, and one below 1 makes it surer. The order of the classes does not change, so verdicts do not change.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

LEAST, MOST = 0.05, 20.0  # temperatures
_PARTS = 10  # of the groups, for cross-fitting
_TOLERANCE = 1e-4  # of the logarithm of the temperature


def fit_temperature(log_probabilities: np.ndarray, y: np.ndarray, votes: np.ndarray) -> float:
    """Return the temperature with the lowest log-loss.

    One vote is added that is shared by all rows and all classes. A model without errors would otherwise be made surer
    without end.

    Parameters
    ----------
    log_probabilities : ndarray of float, shape (rows, labels)
        Logarithms of floored probabilities (`pooling.floored`).
    y : ndarray of int, shape (rows,)
        True class.
    votes : ndarray of float, shape (rows,)
        Weight of each row.

    Returns
    -------
    float
        From LEAST to MOST; 1 if no row has a vote.
    """
    total = votes.sum()
    if not total > 0:
        return 1.0
    targets = np.repeat(votes[:, np.newaxis] / (total * log_probabilities.shape[1]), log_probabilities.shape[1], axis=1)
    targets[np.arange(len(y)), y] += votes

    def loss(logarithm: float) -> float:
        return -float((targets * log_softmax(log_probabilities * np.exp(-logarithm), axis=1)).sum())

    # The loss is convex in 1 / temperature, so it has no second minimum.
    found = minimize_scalar(loss, bounds=np.log([LEAST, MOST]), method="bounded", options={"xatol": _TOLERANCE})
    # If all classes are equally probable, every temperature has the same loss.
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0


def calibrate(log_probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return calibrated probabilities.

    Parameters
    ----------
    log_probabilities : ndarray of float, shape (rows, labels)
        Logarithms of floored probabilities (`pooling.floored`).
    temperature : float
        From `fit_temperature`.

    Returns
    -------
    ndarray of float, shape (rows, labels)
        Each row sums to 1.
    """
    return softmax(log_probabilities / temperature, axis=1)


def cross_calibrate(log_probabilities: np.ndarray, y: np.ndarray, votes: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return probabilities that are calibrated by a temperature of other groups, to measure what calibration brings.

    The groups are divided into ten parts, or one per group if there are fewer groups.

    Parameters
    ----------
    log_probabilities : ndarray of float, shape (rows, labels)
        Logarithms of floored probabilities (`pooling.floored`).
    y : ndarray of int, shape (rows,)
        True class.
    votes : ndarray of float, shape (rows,)
        Weight of each row.
    groups : ndarray of str, shape (rows,)
        Group of each row. Rows of a group are never in the data of their own temperature.

    Returns
    -------
    ndarray of float, shape (rows, labels)
        Each row sums to 1. With a single group the probabilities are not changed.
    """
    part = np.unique(groups, return_inverse=True)[1] % _PARTS
    calibrated = np.empty(log_probabilities.shape)
    for number in np.unique(part):
        inside = part == number
        temperature = fit_temperature(log_probabilities[~inside], y[~inside], votes[~inside])
        calibrated[inside] = calibrate(log_probabilities[inside], temperature)
    return calibrated
