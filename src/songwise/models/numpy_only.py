"""Functions of scikit-learn that serve any kind of array, in a form for NumPy arrays alone, while models are fitted.

Asking what kind of array it has costs scikit-learn 1.9 more than the arithmetic, where the arrays are small and the
calls are many: five sixths of a HistGradientBoostingClassifier with weights, a third of a small MLPClassifier. The
results are the same to the bit. They are replaced in the versions that a test has compared, and left alone in others.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import sklearn
from sklearn.ensemble._hist_gradient_boosting import binning
from sklearn.neural_network import _multilayer_perceptron as perceptron

_COMPARED = ("1.9.",)  # versions of scikit-learn


class _Quantiles:
    """sklearn.utils.stats._weighted_percentile of a column whose weights are positive.

    Binning asks for one quantile of a column after the other. The column is sorted for the first of them only.
    """

    def __init__(self):
        self._column = None

    def __call__(self, column: np.ndarray, weights: np.ndarray, percentile: float, average: bool = True) -> float:
        if column is not self._column:
            order = np.argsort(column[:, np.newaxis], axis=0)[:, 0]
            self._column, self._values, self._shares = column, column[order], np.cumsum(weights[order])
        rank = percentile / 100 * self._shares[-1]
        last = len(self._values) - 1
        place = min(int(np.searchsorted(self._shares, rank)), last)
        if self._shares[place] - rank > np.finfo(np.float64).eps:
            return self._values[place]
        return (self._values[place] + self._values[min(place + 1, last)]) / 2


def _multiply(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first @ second


def _take(X: np.ndarray, indices: np.ndarray) -> np.ndarray:
    return X[indices]


@contextmanager
def numpy_only() -> Iterator[None]:
    """Replace the functions until the block ends."""
    if not sklearn.__version__.startswith(_COMPARED):
        yield
        return
    replaced = [
        (binning, "_weighted_percentile", _Quantiles()),
        (perceptron, "safe_sparse_dot", _multiply),
        (perceptron, "_safe_indexing", _take),
    ]
    own = [(module, name, getattr(module, name)) for module, name, _ in replaced]
    try:
        for module, name, function in replaced:
            setattr(module, name, function)
        yield
    finally:
        for module, name, function in own:
            setattr(module, name, function)
