"""How long to learn: rounds of boosting or epochs of a network, chosen on songs that are not learnt from.

scikit-learn and XGBoost hold out rows at random when left to themselves, so that other clips of a song tell when to
stop learning it.
"""

from collections.abc import Iterable

import numpy as np
from sklearn.base import clone
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
    """The rounds after which the log-loss on held-out clips is lowest, the median over inner folds.

    Parameters
    ----------
    model : the model file's content; its `early_stopping` is the number of rounds without a better loss after which
        a fit gives up, the estimator's own limit the most that are tried.
    pipeline : unfitted; left so.
    X, y : shape (clips, columns) and (clips,).
    folds : indices of the clips to learn from and of those to watch.
    weight : shape (clips,), or None.

    Returns
    -------
    The parameter to set in the pipeline.
    """
    found = []
    for inside, outside in folds:
        before, estimator = clone(pipeline[:-1]), clone(pipeline[-1])
        learnt = before.fit_transform(X[inside])
        classes, labels = np.unique(y[inside], return_inverse=True)
        outside = outside[np.isin(y[outside], classes)]
        watched = before.transform(X[outside]), np.searchsorted(classes, y[outside])
        losses = _LOSSES[model["estimator"]](
            estimator, learnt, labels, None if weight is None else weight[inside], *watched, model["early_stopping"]
        )
        found.append(int(np.argmin(losses)) + 1)
    return {f"model__{ROUNDS[model['estimator']]}": int(np.median(found))}


def _xgboost(estimator, X, y, weight, X_watched, y_watched, patience) -> list[float]:
    estimator.set_params(early_stopping_rounds=patience, eval_metric="mlogloss" if y.max() > 1 else "logloss")
    estimator.fit(X, y, sample_weight=weight, eval_set=[(X_watched, y_watched)], verbose=False)
    (losses,) = estimator.evals_result()["validation_0"].values()
    return losses


def _hist_gradient_boosting(estimator, X, y, weight, X_watched, y_watched, patience) -> np.ndarray:
    estimator.set_params(early_stopping=True, scoring="loss", n_iter_no_change=patience)
    estimator.fit(X, y, sample_weight=weight, X_val=X_watched, y_val=y_watched)
    return -estimator.validation_score_[1:]  # the first is from before any round


def _epochs(estimator, X, y, weight, X_watched, y_watched, patience) -> list[float]:
    # A generator rather than a seed, which would shuffle each epoch alike.
    estimator.set_params(random_state=np.random.RandomState(estimator.random_state))
    classes, losses = np.unique(y), []
    while len(losses) < estimator.max_iter and len(losses) - np.argmin([*losses, np.inf]) <= patience:
        estimator.partial_fit(X, y, sample_weight=weight, classes=classes)
        losses.append(log_loss(y_watched, estimator.predict_proba(X_watched), labels=classes))
    return losses


_LOSSES = {
    "sklearn.ensemble.HistGradientBoostingClassifier": _hist_gradient_boosting,
    "sklearn.neural_network.MLPClassifier": _epochs,
    "xgboost.XGBClassifier": _xgboost,
}
