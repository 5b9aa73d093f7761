"""scikit-learn's functions for any kind of array may be replaced, because the results are the same to the bit."""

import pickle
from contextlib import nullcontext

import numpy as np
import pytest
from helpers.tables import songs
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble._hist_gradient_boosting import binning
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network import _multilayer_perceptron as perceptron

from songwise.models.numpy_only import numpy_only

ESTIMATORS = {
    "network": MLPClassifier([8, 5], activation="tanh", max_iter=20, batch_size=16, random_state=0),
    "gradient boosting": HistGradientBoostingClassifier(
        max_iter=5, class_weight="balanced", max_bins=15, early_stopping=False, random_state=0
    ),
}


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_fits_are_the_same_to_the_bit(name):
    X, y, _ = songs()
    y = np.where(y == 1, 0, y)
    own = ESTIMATORS[name].fit(X, y).predict_proba(X)
    with numpy_only():
        assert np.array_equal(ESTIMATORS[name].fit(X, y).predict_proba(X), own)


def moments(network: MLPClassifier) -> list[np.ndarray]:
    return [*network._optimizer.ms, *network._optimizer.vs, np.array(network._optimizer.t)]


def test_a_network_can_go_on_learning_inside_and_outside():
    X, y, _ = songs()
    own, inside = (MLPClassifier([8, 5], batch_size=16, random_state=np.random.RandomState(0)) for _ in range(2))
    with numpy_only():
        for context in (nullcontext(), numpy_only(), nullcontext()):
            with context:
                inside.partial_fit(X, y, classes=[0, 1, 2])
    inside.partial_fit(X, y, classes=[0, 1, 2])
    inside = pickle.loads(pickle.dumps(inside))
    with numpy_only():
        inside.partial_fit(X, y, classes=[0, 1, 2])
    for _ in range(5):
        own.partial_fit(X, y, classes=[0, 1, 2])
    assert np.array_equal(inside.predict_proba(X), own.predict_proba(X))
    assert all(map(np.array_equal, moments(inside), moments(own)))


@pytest.mark.parametrize("decimals", [1, 2, 9])
@pytest.mark.parametrize("weights", [[0.7], [0.3, 1.0, 2.7, 5.0]])
def test_thresholds_are_the_same_to_the_bit(decimals, weights):
    rng = np.random.default_rng(0)
    column, weight = rng.normal(size=700).round(decimals), rng.choice(weights, 700)
    for bins in (8, 63, 255):
        own = binning._find_binning_thresholds(column, bins, weight)
        with numpy_only():
            assert np.array_equal(binning._find_binning_thresholds(column, bins, weight), own)


def test_a_column_is_sorted_once(monkeypatch):
    calls, argsort = [], np.argsort
    monkeypatch.setattr(np, "argsort", lambda *given, **options: calls.append(1) or argsort(*given, **options))
    rng = np.random.default_rng(0)
    with numpy_only():
        binning._find_binning_thresholds(rng.normal(size=500), 63, rng.uniform(1, 2, 500))
    assert len(calls) == 2, "by scikit-learn, and for the quantiles"


def test_the_functions_return_to_scikit_learn_even_after_an_error():
    def replaced() -> tuple:
        return (
            binning._weighted_percentile,
            perceptron.safe_sparse_dot,
            perceptron._safe_indexing,
            perceptron.AdamOptimizer.update_params,
        )

    before = replaced()
    with pytest.raises(ValueError, match="wrong"), numpy_only(), numpy_only():
        assert not set(replaced()) & set(before)
        raise ValueError("wrong")
    assert replaced() == before
