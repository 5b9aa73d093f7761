"""Calibration: whether a model is right as often as its probabilities claim."""

import numpy as np

BINS = 15  # of equal width


def reliability(confidence: np.ndarray, right: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Return how often predictions are right, in bins of the probability of the predicted class.

    Parameters
    ----------
    confidence : ndarray of float, shape (rows,)
        Probability of the predicted class.
    right : ndarray of bool, shape (rows,)
        Whether the prediction is right.
    votes : ndarray of float, shape (rows,)
        Weight of each row.

    Returns
    -------
    ndarray of float, shape (BINS, 3)
        Votes, mean confidence and share that is right in each bin; 0 in an empty bin. Each bin includes its upper
        bound, and the first one also includes 0.
    """
    at = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    total, confident, hits = (np.bincount(at, votes * value, BINS) for value in (1.0, confidence, right))
    filled = np.where(total > 0, total, 1)
    return np.stack([total, confident / filled, hits / filled], axis=1)


def expected_calibration_error(bins: np.ndarray) -> float:
    """Return the mean distance between confidence and share right, weighted by the votes of each bin.

    Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, ICML 2017.

    Parameters
    ----------
    bins : ndarray of float, shape (BINS, 3)
        From `reliability`.

    Returns
    -------
    float
        From 0 to 1; 0 is perfect.
    """
    votes, confident, right = bins.T
    return float(np.average(np.abs(confident - right), weights=votes))


def calibration_rows(bins: dict[str, np.ndarray]) -> list[dict]:
    """Return the bins that have votes as rows of calibration.csv, without the model.

    Parameters
    ----------
    bins : dict of str to ndarray of float, shape (BINS, 3)
        Level, "clip" or "song", to what `reliability` returned.

    Returns
    -------
    list of dict
        Bins are counted from 1; the other values are rounded to six decimals.
    """
    return [
        {"level": level, "bin": number}
        | dict(zip(("votes", "confidence", "right"), np.round(values, 6).tolist(), strict=True))
        for level, found in bins.items()
        for number, values in enumerate(found, start=1)
        if values[0] > 0
    ]
