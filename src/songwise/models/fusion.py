"""Late fusion: the weighted geometric mean of several models' probabilities, with weights learned on held-out songs."""

from typing import Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin

_PULL = 0.01  # loss of a weight that is 1 away from the common value
_FLOOR = 1e-6  # of a probability, as in a song's verdict


class Fusion(ClassifierMixin, BaseEstimator):
    """Several models, each with a weight: the probabilities are softmax(sum of weight x log-probability).

    The weights are not negative. They minimise the log-loss of predictions for clips whose songs the members were not
    fitted to, plus a weak pull towards one common value, which decides where the data does not.

    Parameters
    ----------
    members : list of (str, classifier)
        Names and fitted models, with the same classes 0 to k - 1.

    Attributes
    ----------
    weights_ : ndarray of float, shape (members,)
        One weight per member.
    classes_ : ndarray of int, shape (k,)
        0 to k - 1.
    """

    def __init__(self, members: list | None = None):
        self.members = members

    def fit_weights(self, held_out: np.ndarray, y: np.ndarray) -> Self:
        """Choose the weights.

        Parameters
        ----------
        held_out : ndarray of float, shape (clips, members, k)
            The members' probabilities for clips whose songs they were not fitted to.
        y : ndarray of int, shape (clips,)
            Classes of the clips, 0 to k - 1.

        Returns
        -------
        Fusion
            Itself.
        """
        logs = _floored_logs(held_out)
        common = 1 / logs.shape[1]
        own = np.arange(len(y)), y

        def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
            scores = np.einsum("m,nmk->nk", weights, logs)
            likelihood = log_softmax(scores, axis=1)
            errors = np.exp(likelihood)
            errors[own] -= 1
            slope = np.einsum("nk,nmk->m", errors, logs) / len(y) + 2 * _PULL * (weights - common)
            return _PULL * np.square(weights - common).sum() - likelihood[own].mean(), slope

        start = np.full(logs.shape[1], common)
        self.weights_ = minimize(loss, start, jac=True, bounds=[(0, None)] * len(start), method="L-BFGS-B").x
        self.classes_ = np.arange(logs.shape[2])
        return self

    def fuse(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the fused probabilities of clips.

        Parameters
        ----------
        probabilities : ndarray of float, shape (clips, members, k)
            The members' probabilities.

        Returns
        -------
        ndarray of float, shape (clips, k)
            Each row sums to 1.
        """
        return softmax(np.einsum("m,nmk->nk", self.weights_, _floored_logs(probabilities)), axis=1)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : ndarray of float, shape (clips, columns)
            Features of all members.

        Returns
        -------
        ndarray of float, shape (clips, k)
            Each row sums to 1.
        """
        return self.fuse(np.stack([model.predict_proba(X) for _, model in self.members], axis=1))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable class of each clip, int, shape (clips,)."""
        return self.predict_proba(X).argmax(axis=1)


def _floored_logs(probabilities: np.ndarray) -> np.ndarray:
    logs = np.log(np.maximum(probabilities, _FLOOR))
    return log_softmax(logs, axis=-1)
