"""Pooled LDA equals its definition, whichever side of the table is longer, and its fit is fast for wide tables."""

import time

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.covariance import ledoit_wolf
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from threadpoolctl import threadpool_limits

from songwise.models.pooled_lda import PooledLDA


def _clips(n: int, columns: int, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Clips with correlated columns, means of their own per class, and classes of unequal size."""
    rng = np.random.default_rng(seed)
    y = np.minimum(rng.integers(0, classes + 2, n), classes - 1)
    common = rng.normal(size=(n, 5)) @ rng.normal(size=(5, columns))
    return rng.normal(size=(n, columns)) + common + rng.normal(size=(classes, columns))[y] / 2, y


def _plain(X, y, unseen, priors):
    """The definition, with scikit-learn's Ledoit-Wolf covariance and its inverse."""
    classes = np.unique(y)
    means = np.array([X[y == label].mean(axis=0) for label in classes])
    covariance, _ = ledoit_wolf(X - means[np.searchsorted(classes, y)], assume_centered=True)
    weights = means @ np.linalg.inv(covariance)
    logs = unseen @ weights.T - (weights * means).sum(axis=1) / 2
    shares = np.array([np.mean(y == label) for label in classes])
    return softmax(logs + (np.log(shares) if priors == "empirical" else 0), axis=1)


@pytest.mark.parametrize("priors", ["uniform", "empirical"])
@pytest.mark.parametrize(("n", "columns"), [(200, 12), (60, 59), (60, 60), (60, 61), (40, 150)])
def test_it_equals_its_definition(n, columns, priors):
    X, y = _clips(n, columns)
    unseen, _ = _clips(50, columns, seed=1)
    fitted = PooledLDA(priors=priors).fit(X, y)
    np.testing.assert_allclose(fitted.predict_proba(unseen), _plain(X, y, unseen, priors), atol=1e-8)
    np.testing.assert_array_equal(fitted.predict(unseen), _plain(X, y, unseen, priors).argmax(axis=1))


def test_the_shrinkage_is_that_of_scikit_learn():
    for n, columns in ((200, 12), (40, 150)):
        X, y = _clips(n, columns)
        residuals = X - np.array([X[y == label].mean(axis=0) for label in range(3)])[y]
        assert PooledLDA().fit(X, y).shrinkage_ == pytest.approx(ledoit_wolf(residuals, assume_centered=True)[1])


def test_thousands_of_columns_take_well_under_half_a_second():
    X, y = _clips(1200, 2600, classes=8)
    X = StandardScaler().fit_transform(X)
    with threadpool_limits(1):
        start = time.process_time()
        PooledLDA().fit(X, y)
    assert time.process_time() - start < 2, "0.3 s on a machine without other work"


def test_uniform_priors_do_not_favour_the_larger_class():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(-1, 1, size=(900, 2)), rng.normal(1, 1, size=(100, 2))])
    y = np.repeat(["large", "small"], [900, 100])
    middle = np.zeros((1, 2))
    np.testing.assert_allclose(PooledLDA().fit(X, y).predict_proba(middle), [[0.5, 0.5]], atol=0.1)
    assert PooledLDA(priors="empirical").fit(X, y).predict_proba(middle)[0, 0] > 0.8


@pytest.mark.parametrize("columns", [1, 2, 20])
def test_few_clips_still_give_probabilities(columns):
    """One clip per class, and two clips that are mirror images, for which the estimated shrinkage is 0."""
    X = np.random.default_rng(0).normal(size=(4, columns))
    for table, y in ((X, np.arange(4)), (np.concatenate([X[:1], -X[:1]]), np.zeros(2))):
        fitted = PooledLDA().fit(table, y)
        assert np.isfinite(fitted.predict_proba(table)).all()
        np.testing.assert_array_equal(fitted.predict(table), y)


def test_an_invalid_prior_is_refused():
    X, y = _clips(30, 4)
    with pytest.raises(ValueError, match="'priors' parameter of PooledLDA"):
        PooledLDA(priors="equal").fit(X, y)


@pytest.mark.filterwarnings("ignore")
def test_it_behaves_as_scikit_learn_asks():
    check_estimator(clone(PooledLDA()))
