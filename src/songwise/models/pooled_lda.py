"""Linear discriminant analysis with one shrunk covariance for all classes, fast for more columns than clips."""

from collections.abc import Callable
from typing import ClassVar, Self

import numpy as np
from scipy.linalg import solve
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

_LEAST = 1e-6  # shrinkage, so that the covariance has an inverse even if the estimate is 0


class PooledLDA(ClassifierMixin, BaseEstimator):
    """Linear discriminant analysis with one shrunk covariance for all classes.

    The covariance of the clips around the means of their classes is shrunk towards a multiple of the identity. Ledoit
    and Wolf's estimate sets the amount (A well-conditioned estimator for large-dimensional covariance matrices, Journal
    of Multivariate Analysis 88, 2004). scikit-learn's LinearDiscriminantAnalysis shrinks one covariance per class
    instead, and each is estimated from the few clips of its class.

    The fit solves a system as large as the shorter side of the table, so thousands of columns are cheap. Scale the
    columns first, because the target of the shrinkage has the same variance in all of them.

    Parameters
    ----------
    priors : {"uniform", "empirical"}, default="uniform"
        Probability of each class before a clip is heard: the same for all, or its share of the training clips.

    Attributes
    ----------
    classes_ : ndarray, shape (classes,)
        The classes, sorted.
    coef_ : ndarray of float64, shape (classes, columns)
        Weights of the columns.
    intercept_ : ndarray of float64, shape (classes,)
        Constants.
    shrinkage_ : float
        Weight of the identity, from 0 to 1.
    n_features_in_ : int
        Number of columns.
    """

    _parameter_constraints: ClassVar[dict] = {"priors": [StrOptions({"uniform", "empirical"})]}

    def __init__(self, priors: str = "uniform"):
        self.priors = priors

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Fit the means of the classes and the covariance around them.

        Parameters
        ----------
        X : ndarray of float, shape (clips, columns)
            Features.
        y : ndarray, shape (clips,)
            Classes.

        Returns
        -------
        PooledLDA
            Itself.
        """
        self._validate_params()
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, encoded, counts = np.unique(y, return_inverse=True, return_counts=True)
        shares = counts / len(y)
        members = (encoded == np.arange(len(counts))[:, np.newaxis]) / counts[:, np.newaxis]
        means = members @ X
        self.shrinkage_, inverse = _inverse_covariance(X - means[encoded])
        # Distances from the overall mean give the same probabilities with smaller rounding errors.
        origin = shares @ means
        self.coef_ = inverse(means - origin)
        priors = shares if self.priors == "empirical" else np.full(len(counts), 1 / len(counts))
        self.intercept_ = np.log(priors) - ((means + origin) * self.coef_).sum(axis=1) / 2
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : ndarray of float, shape (clips, columns)
            Features.

        Returns
        -------
        ndarray of float64, shape (clips, classes)
            In the order of `classes_`; each row sums to 1.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return softmax(X @ self.coef_.T + self.intercept_, axis=1)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable class.

        Parameters
        ----------
        X : ndarray of float, shape (clips, columns)
            Features.

        Returns
        -------
        ndarray, shape (clips,)
            Values of `classes_`.
        """
        highest = self.predict_proba(X).argmax(axis=1)
        return self.classes_[highest]


def _inverse_covariance(residuals: np.ndarray) -> tuple[float, Callable[[np.ndarray], np.ndarray]]:
    """Return the shrinkage, and a function that multiplies rows by the inverse of the shrunk covariance.

    The covariance is (1 - shrinkage) R'R / n + shrinkage * mean variance * I.
    """
    n, columns = residuals.shape
    wide = columns > n
    # R'R and RR' have the same norm, so that the smaller one is enough.
    products = residuals @ residuals.T if wide else residuals.T @ residuals
    energies = np.square(residuals).sum(axis=1)
    mean_variance = energies.sum() / (n * columns)
    if mean_variance == 0:  # all clips of a class are equal; the nearest mean is all that can be learned
        return 1.0, lambda rows: rows
    shrinkage = _shrinkage(np.square(products).sum() / n**2, np.square(energies).sum() / n, mean_variance, n, columns)
    weight, ridge = (1 - shrinkage) / n, shrinkage * mean_variance
    products *= weight
    products.flat[:: len(products) + 1] += ridge
    if not wide:
        return shrinkage, lambda rows: solve(products, rows.T, assume_a="pos").T

    def by_woodbury(rows: np.ndarray) -> np.ndarray:
        inner = solve(products, residuals @ rows.T, assume_a="pos")
        return (rows - weight * inner.T @ residuals) / ridge

    return shrinkage, by_woodbury


def _shrinkage(squared_norm: float, fourth_moment: float, mean_variance: float, n: int, columns: int) -> float:
    """Return Ledoit and Wolf's shrinkage: sklearn.covariance.ledoit_wolf_shrinkage of centred rows.

    `squared_norm` is that of the covariance; `fourth_moment` is the mean of the rows' norms to the fourth power.
    """
    from_identity = squared_norm - columns * mean_variance**2
    error = min((fourth_moment - squared_norm) / n, from_identity)
    return max(float(error / from_identity), _LEAST) if error > 0 else _LEAST
