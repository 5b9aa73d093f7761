"""Functions of scikit-learn that serve any kind of array, in a form for NumPy arrays alone, while models are fitted.

Asking what kind of array it has costs scikit-learn 1.9 more than the arithmetic, where the arrays are small and the
calls are many: five sixths of a HistGradientBoostingClassifier with weights, a third of a small MLPClassifier. Another
third goes into Adam, which works on each of its arrays alone, and in new memory. The results are the same to the bit.
They are replaced in the versions that a test has compared, and left alone in others.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import numpy as np
import sklearn
from sklearn.ensemble._hist_gradient_boosting import binning
from sklearn.neural_network import _multilayer_perceptron as perceptron
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

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


def _adam() -> Callable[[AdamOptimizer, list[np.ndarray], list[np.ndarray]], None]:
    """Return sklearn.neural_network's AdamOptimizer.update_params for all parameters at once.

    The optimizer's own moments become views of one array each, and are otherwise as scikit-learn leaves them.
    """
    kept: WeakKeyDictionary[AdamOptimizer, tuple[np.ndarray, ...]] = WeakKeyDictionary()

    def update_params(self: AdamOptimizer, params: list[np.ndarray], grads: list[np.ndarray]) -> None:
        if self not in kept or self.ms[0].base is not kept[self][0]:
            self.ms, first = _as_views(self.ms)
            self.vs, second = _as_views(self.vs)
            kept[self] = first, second, np.empty_like(first), np.empty_like(first)
        first, second, gradient, work = kept[self]
        np.concatenate([each.ravel() for each in grads], out=gradient)
        first *= self.beta_1
        first += np.multiply(gradient, 1 - self.beta_1, out=work)
        second *= self.beta_2
        np.square(gradient, out=gradient)
        second += np.multiply(gradient, 1 - self.beta_2, out=gradient)
        self.t += 1
        self.learning_rate = self.learning_rate_init * np.sqrt(1 - self.beta_2**self.t) / (1 - self.beta_1**self.t)
        np.sqrt(second, out=work)
        work += self.epsilon
        update = np.multiply(first, -self.learning_rate, out=gradient)
        update /= work
        start = 0
        for each in params:
            each += update[start : start + each.size].reshape(each.shape)
            start += each.size

    return update_params


def _as_views(arrays: list[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Return views of one array with the content of several, and that array."""
    whole = np.concatenate([each.ravel() for each in arrays])
    ends = np.cumsum([each.size for each in arrays])
    return [whole[end - each.size : end].reshape(each.shape) for each, end in zip(arrays, ends, strict=True)], whole


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
        (AdamOptimizer, "update_params", _adam()),
    ]
    own = [(module, name, getattr(module, name)) for module, name, _ in replaced]
    try:
        for module, name, function in replaced:
            setattr(module, name, function)
        yield
    finally:
        for module, name, function in own:
            setattr(module, name, function)
