"""How long to learn: rounds of boosting or epochs of a network, chosen on songs that are not trained on.

On their own, scikit-learn and XGBoost hold out rows at random, so that other clips of a song in training decide when to
stop.
"""

from collections.abc import Iterable

import numpy as np
from sklearn.base import ClassifierMixin, clone
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline

from songwise.models.rounds import ROUNDS


def best_rounds(
    model: dict,
    pipeline: Pipeline,
    X: np.ndarray,
    y: np.ndarray,
    folds: Iterable[tuple[np.ndarray, np.ndarray]],
    weight: np.ndarray | None,
) -> dict[str, int]:
    """Return the number of rounds with the lowest log-loss on held-out clips, the median over inner folds.

    Parameters
    ----------
    model : dict
        The model file's content. Its `early_stopping` is the number of rounds without a lower loss after which a fit
        stops. The estimator's own limit is the most that are tried.
    pipeline : Pipeline
        Unfitted, and left so.
    X : ndarray of float, shape (clips, columns)
        Features.
    y : ndarray of int, shape (clips,)
        Classes.
    folds : iterable of (ndarray, ndarray)
        Indices of the clips to train on and of the held-out clips.
    weight : ndarray of float, shape (clips,), or None
        Weights of the clips.

    Returns
    -------
    dict of str to int
        The parameter to set in the pipeline.
    """
    parameter, losses_name = ROUNDS[model["estimator"]]
    track_losses = globals()[losses_name]
    best = []
    for inside, outside in folds:
        before, estimator = clone(pipeline[:-1]), clone(pipeline[-1])
        X_train = before.fit_transform(X[inside])
        classes, y_train = np.unique(y[inside], return_inverse=True)
        outside = outside[np.isin(y[outside], classes)]
        held_out = before.transform(X[outside]), np.searchsorted(classes, y[outside])
        own_weight = None if weight is None else weight[inside]
        losses = track_losses(estimator, X_train, y_train, own_weight, *held_out, model["early_stopping"])
        best.append(int(np.argmin(losses)) + 1)
    return {f"model__{parameter}": int(np.median(best))}


def track_xgboost(
    estimator: ClassifierMixin,
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray | None,
    X_held_out: np.ndarray,
    y_held_out: np.ndarray,
    patience: int,
) -> list[float]:
    """Fit an XGBoost classifier and return its loss on held-out clips after each round.

    Parameters
    ----------
    estimator : ClassifierMixin
        Unfitted; fitted afterwards.
    X : ndarray of float, shape (clips, columns)
        Features to train on.
    y : ndarray of int, shape (clips,)
        Their classes, 0 to k - 1.
    weight : ndarray of float, shape (clips,), or None
        Their weights.
    X_held_out : ndarray of float, shape (held-out clips, columns)
        Features of held-out clips.
    y_held_out : ndarray of int, shape (held-out clips,)
        Their classes.
    patience : int
        Rounds without a lower loss after which the fit stops.

    Returns
    -------
    list of float
        One loss per round.
    """
    estimator.set_params(early_stopping_rounds=patience, eval_metric="mlogloss" if y.max() > 1 else "logloss")
    estimator.fit(X, y, sample_weight=weight, eval_set=[(X_held_out, y_held_out)], verbose=False)
    (losses,) = estimator.evals_result()["validation_0"].values()
    return losses


def track_hist_gradient_boosting(
    estimator: ClassifierMixin,
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray | None,
    X_held_out: np.ndarray,
    y_held_out: np.ndarray,
    patience: int,
) -> np.ndarray:
    """Fit a HistGradientBoostingClassifier and return its losses; arguments as in `track_xgboost`."""
    estimator.set_params(early_stopping=True, scoring="loss", n_iter_no_change=patience)
    estimator.fit(X, y, sample_weight=weight, X_val=X_held_out, y_val=y_held_out)
    return -estimator.validation_score_[1:]  # the first score is from before any round


def track_epochs(
    estimator: ClassifierMixin,
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray | None,
    X_held_out: np.ndarray,
    y_held_out: np.ndarray,
    patience: int,
) -> list[float]:
    """Fit an MLPClassifier epoch by epoch and return its losses; arguments as in `track_xgboost`."""
    # A generator instead of a seed, which would shuffle each epoch in the same way.
    estimator.set_params(random_state=np.random.RandomState(estimator.random_state))
    classes, losses = np.unique(y), []
    while len(losses) < estimator.max_iter and len(losses) - np.argmin([*losses, np.inf]) <= patience:
        estimator.partial_fit(X, y, sample_weight=weight, classes=classes)
        losses.append(log_loss(y_held_out, estimator.predict_proba(X_held_out), labels=classes))
    return losses
