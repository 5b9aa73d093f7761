"""Fits to more columns than clips equal scikit-learn's own, and are made by products of clips."""

import numpy as np
import pytest
from helpers.tables import songs
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from songwise.models import wide

LDA = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
LOGISTIC = LogisticRegression(C=0.01, max_iter=1000, class_weight="balanced", random_state=0)
CLASSIFIERS = {"LDA": LDA, "logistic regression": LOGISTIC, "without weights": LogisticRegression(C=10)}
# Where scikit-learn does what the faster fit must not do.
OWN = {
    "LDA": (LDA, "sklearn.discriminant_analysis.linalg.lstsq"),
    "logistic regression": (LOGISTIC, "sklearn.linear_model._logistic._logistic_regression_path"),
    "components": (PCA(20, random_state=0), "sklearn.decomposition._pca._randomized_svd"),
}


@pytest.fixture
def clips():
    """150 clips in training and 50 to predict; 700 columns that depend on each other, on scales of their own."""
    X, y, _ = songs(n_songs=50, columns=60)
    mixed = X @ np.random.default_rng(1).normal(size=(60, 700)) + np.random.default_rng(2).normal(size=(200, 700))
    scaler = StandardScaler().fit(mixed[:150])
    return scaler.transform(mixed[:150]), y[:150], scaler.transform(mixed[150:])


def refuse(*_, **__):
    raise AssertionError("scikit-learn's own way was taken")


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_equal_those_of_scikit_learn(clips, name, n_classes):
    X, y, asked = clips
    X, y = X[y < n_classes], y[y < n_classes]
    own, faster = clone(CLASSIFIERS[name]).fit(X, y), wide.fit(clone(CLASSIFIERS[name]), X, y)
    np.testing.assert_allclose(faster.predict_proba(asked), own.predict_proba(asked), atol=1e-7)
    assert type(faster) is type(own) and set(vars(own)) - set(vars(faster)) <= {"covariance_"}
    if name != "LDA":
        assert faster.n_iter_.tolist() == own.n_iter_.tolist()


@pytest.mark.parametrize("constant", [0, 5])
def test_the_choice_of_columns_equals_that_of_scikit_learn(clips, constant):
    X, y, asked = clips
    X[:, :constant] = 1 / 3
    for own, same in (
        (VarianceThreshold(), VarianceThreshold()),
        (
            ColumnTransformer([("kept", "passthrough", [5, 2, 9])]),
            ColumnTransformer([("kept", "passthrough", [5, 2, 9])]),
        ),
    ):
        assert np.array_equal(wide.fit_transform(same, X, y), own.fit_transform(X, y))
        assert np.array_equal(same.transform(asked), own.transform(asked))
        assert type(same) is type(own) and set(vars(same)) == set(vars(own))
    threshold = VarianceThreshold()
    wide.fit_transform(threshold, X, y)
    assert np.array_equal(threshold.variances_, VarianceThreshold().fit(X).variances_)
    with pytest.raises(ValueError, match="No feature"):
        wide.fit_transform(VarianceThreshold(), np.ones_like(X), y)


def test_components_equal_those_of_scikit_learn(clips):
    X, y, asked = clips
    own, faster = PCA(20, random_state=3), PCA(20, random_state=3)
    np.testing.assert_allclose(wide.fit_transform(faster, X, y), own.fit_transform(X), atol=1e-8)
    np.testing.assert_allclose(faster.transform(asked), own.transform(asked), atol=1e-8)
    assert type(faster) is PCA and set(vars(own)) == set(vars(faster))
    for name in ("explained_variance_", "explained_variance_ratio_", "singular_values_", "noise_variance_"):
        np.testing.assert_allclose(getattr(faster, name), getattr(own, name))


@pytest.mark.parametrize("name", OWN)
def test_every_column_is_not_worked_on(clips, monkeypatch, name):
    X, y, _ = clips
    estimator, own_way = OWN[name]
    monkeypatch.setattr(own_way, refuse)
    wide.fit(clone(estimator), X, y)
    with pytest.raises(AssertionError, match="own way"):
        wide.fit(clone(estimator), np.concatenate([X, -X, 2 * X, -3 * X, X + 1]), np.tile(y, 5))


@pytest.mark.parametrize("name", OWN)
def test_a_table_with_more_clips_than_columns_is_left_to_scikit_learn(clips, name):
    X, y, _ = clips
    own, same = (clone(OWN[name][0]) for _ in range(2))
    own.fit(X[:, :100], y), wide.fit(same, X[:, :100], y)
    found = "components_" if name == "components" else "coef_"
    assert np.array_equal(getattr(own, found), getattr(same, found))


def test_a_regression_that_has_not_converged_says_so_and_equals_scikit_learns(clips):
    X, y, asked = clips
    unfinished = LogisticRegression(C=10, max_iter=5)
    with pytest.warns(ConvergenceWarning):
        faster = wide.fit(clone(unfinished), X, y)
    with pytest.warns(ConvergenceWarning):
        own = clone(unfinished).fit(X, y)
    np.testing.assert_allclose(faster.predict_proba(asked), own.predict_proba(asked), atol=1e-9)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_equal_clips_and_constant_columns_are_no_obstacle(clips, name):
    X, y, asked = clips
    X = np.concatenate([X[:100], X[:50]])
    y = np.concatenate([y[:100], y[:50]])
    X[:, :5] = 0
    own, faster = clone(CLASSIFIERS[name]).fit(X, y), wide.fit(clone(CLASSIFIERS[name]), X, y)
    np.testing.assert_allclose(faster.predict_proba(asked), own.predict_proba(asked), atol=1e-6)


def test_a_class_of_one_clip_is_no_obstacle(clips):
    X, y, asked = clips
    y = np.where(np.arange(len(y)) == 7, 3, y)
    own, faster = clone(LDA).fit(X, y), wide.fit(clone(LDA), X, y)
    np.testing.assert_allclose(faster.predict_proba(asked), own.predict_proba(asked), atol=1e-7)
