"""Statistics over time of a family's rows, equal to those of numpy and scipy.stats."""

import numba
import numpy as np

# A row whose deviation is below this share of its mean is constant except for rounding. Its skew and kurtosis are 0;
# scipy returns NaN for exactly constant rows.
_CONSTANT = 1e-5


@numba.njit(cache=True, fastmath=True)
def _moments(rows):
    moments = np.empty((4, rows.shape[0]))
    for index in range(rows.shape[0]):
        row = rows[index]
        n = len(row)
        total = 0.0
        for t in range(n):
            total += row[t]
        mean = total / n
        second = 0.0
        third = 0.0
        fourth = 0.0
        for t in range(n):
            away = row[t] - mean
            square = away * away
            second += square
            third += square * away
            fourth += square * square
        second /= n
        moments[0, index] = mean
        moments[1, index] = second
        moments[2, index] = 0.0
        moments[3, index] = 0.0
        if second > 0 and np.sqrt(second) > _CONSTANT * abs(mean):
            moments[2, index] = third / n / second**1.5
            moments[3, index] = fourth / n / (second * second) - 3.0
    return moments


def median(rows: np.ndarray) -> np.ndarray:
    """Compute the median of each row with one partition: numpy.median(rows, axis=1).

    Parameters
    ----------
    rows : ndarray of float32, shape (rows, frames)
        Values over time.

    Returns
    -------
    ndarray of float32, shape (rows,)
        One median per row.
    """
    middle = rows.shape[1] // 2
    split = np.partition(rows, middle, axis=1)
    if rows.shape[1] % 2:
        return split[:, middle]
    return (split[:, :middle].max(axis=1) + split[:, middle]) / np.float32(2)


def _covariance(rows: np.ndarray) -> np.ndarray:
    upper = np.triu_indices(len(rows))
    if rows.shape[1] < 2:
        return np.zeros(len(upper[0]))
    return np.cov(rows)[upper]


_OF_MOMENTS = {
    "mean": lambda moments: moments[0],
    "var": lambda moments: moments[1],
    "std": lambda moments: np.sqrt(moments[1]),
    "skew": lambda moments: moments[2],
    "kurtosis": lambda moments: moments[3],
}
_OF_ROWS = {
    "min": lambda rows: rows.min(axis=1),
    "max": lambda rows: rows.max(axis=1),
    "median": median,
    "covariance": _covariance,
}
STATISTICS = [*_OF_MOMENTS, *_OF_ROWS]


def summarise(rows: np.ndarray, statistics: list[str]) -> dict[str, np.ndarray]:
    """Compute statistics over time.

    Parameters
    ----------
    rows : ndarray of float32, shape (rows, frames)
        Values over time, at least one frame.
    statistics : list of str
        Names from STATISTICS. Kurtosis is Fisher's (0 for a normal distribution); std and var divide by n.

    Returns
    -------
    dict of str to ndarray of float
        Per statistic one number per row; for covariance one per pair of rows (the upper triangle).
    """
    moments = _moments(rows) if not _OF_MOMENTS.keys().isdisjoint(statistics) else None
    return {name: _OF_MOMENTS[name](moments) if name in _OF_MOMENTS else _OF_ROWS[name](rows) for name in statistics}
