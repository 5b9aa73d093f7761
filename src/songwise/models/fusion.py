"""Late fusion: the members' probabilities, multiplied with one exponent per member that is learned from other songs.

The fused probabilities are softmax(sum of w_m log p_m). Weights of 1 multiply the members' probabilities as if the
members were independent. Smaller weights also correct members that are too sure of themselves.
"""

from typing import ClassVar, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

_FLOOR = 1e-6  # of a probability, as in a song's verdict: a zero of one member would be a veto
_DECIMALS = 6  # as in predictions.csv, so that written and computed probabilities are fused to the same
_PULL = 0.01
_COMMON = 0.5  # sum of the weights that the pull prefers


def floored_logs(probabilities: np.ndarray) -> np.ndarray:
    """Return the logarithms of probabilities, rounded, raised to at least 1e-6 and normalised again.

    Parameters
    ----------
    probabilities : ndarray of float, shape (..., classes)
        Each row sums to 1.

    Returns
    -------
    ndarray of float64, shape (..., classes)
        Finite.
    """
    raised = np.maximum(np.round(probabilities, _DECIMALS), _FLOOR)
    return np.log(raised / raised.sum(axis=-1, keepdims=True))


def fit_weights(
    log_probabilities: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None, *, pull: float = _PULL
) -> np.ndarray:
    """Find the weights with the lowest log-loss of the fused probabilities.

    Parameters
    ----------
    log_probabilities : ndarray of float, shape (clips, members, classes)
        Of clips that the members were not fitted on (`floored_logs`).
    y : ndarray of int, shape (clips,)
        Index of each clip's class.
    groups : ndarray, shape (clips,), optional
        If given, every group counts the same, however many clips it has.
    pull : float, default=0.01
        Strength of the pull of every weight towards the same small value. It decides between members that are
        equally good, and matters less the more the clips say.

    Returns
    -------
    ndarray of float64, shape (members,)
        At least 0.
    """
    members = log_probabilities.shape[1]
    common = _COMMON / members
    shares = _shares(len(y), groups)
    of_label = np.take_along_axis(log_probabilities, y[:, np.newaxis, np.newaxis], axis=2)[..., 0]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        fused = log_softmax(np.einsum("m,nmk->nk", weights, log_probabilities), axis=1)
        expected = np.einsum("nk,nmk->nm", np.exp(fused), log_probabilities)
        away = weights - common
        value = -shares @ np.take_along_axis(fused, y[:, np.newaxis], axis=1)[:, 0] + pull * away @ away
        return value, shares @ (expected - of_label) + 2 * pull * away

    return minimize(loss, np.full(members, common), jac=True, method="L-BFGS-B", bounds=[(0, None)] * members).x


def _shares(clips: int, groups: np.ndarray | None) -> np.ndarray:
    if groups is None:
        return np.full(clips, 1 / clips)
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return 1 / (len(sizes) * sizes[group])


def fuse(probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the fused probabilities.

    Parameters
    ----------
    probabilities : ndarray of float, shape (clips, members, classes)
        The members' own.
    weights : ndarray of float, shape (members,)
        From `fit_weights`.

    Returns
    -------
    ndarray of float64, shape (clips, classes)
        Each row sums to 1.
    """
    return softmax(np.einsum("m,nmk->nk", weights, floored_logs(probabilities)), axis=1)


class Fusion(ClassifierMixin, BaseEstimator):
    """Fitted members whose probabilities are multiplied, each raised to its weight.

    Parameters
    ----------
    members : list of (str, classifier)
        Names and fitted classifiers, which `fit` leaves as they are. A class that a member does not know has the
        smallest probability.
    weights : array-like of float, shape (members,), optional
        From `fit_weights`; the same for all members by default.

    Attributes
    ----------
    weights_ : ndarray of float64, shape (members,)
        Exponents of the members' probabilities.
    classes_ : ndarray, shape (classes,)
        The classes, sorted.
    n_features_in_ : int
        Number of columns.
    """

    _parameter_constraints: ClassVar[dict] = {"members": [list], "weights": ["array-like", None]}

    def __init__(self, members: list, weights: np.ndarray | list[float] | None = None):
        self.members = members
        self.weights = weights

    @classmethod
    def learned(cls, members: list, held_out: np.ndarray, y: np.ndarray) -> Self:
        """Return an unfitted fusion whose weights suit predictions for clips that the members were not fitted on.

        Parameters
        ----------
        members : list of (str, classifier)
            Names and fitted classifiers.
        held_out : ndarray of float, shape (clips, members, classes)
            The predicted probabilities.
        y : ndarray of int, shape (clips,)
            Index of each clip's class.
        """
        return cls(members, fit_weights(floored_logs(held_out), y).tolist())

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Note the classes and the weights; the members are fitted already.

        Parameters
        ----------
        X : ndarray of float, shape (clips, columns)
            Features.
        y : ndarray, shape (clips,)
            Classes.

        Returns
        -------
        Fusion
            Itself.
        """
        self._validate_params()
        X, y = validate_data(self, X, y)
        self.classes_ = np.unique(y)
        count = len(self.members)
        weights = np.full(count, 1 / max(count, 1)) if self.weights is None else np.asarray(self.weights, np.float64)
        if not count or weights.shape != (count,) or not (np.isfinite(weights) & (weights >= 0)).all():
            raise ValueError(f"weights: {self.weights} must be one number of at least 0 per member ({count})")
        self.weights_ = weights
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
        X = validate_data(self, X, reset=False)
        probabilities = np.zeros((len(X), len(self.members), len(self.classes_)))
        for index, (_, member) in enumerate(self.members):
            known = np.isin(member.classes_, self.classes_)
            columns = np.searchsorted(self.classes_, member.classes_[known])
            probabilities[:, index, columns] = member.predict_proba(X)[:, known]
        return fuse(probabilities, self.weights_)

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
