"""Fits of a model on inner folds, each made once for all that is chosen and calibrated on them.

Candidates of a search differ in the estimator alone. So the steps before it are fitted once per fold, and so is the
kernel of a support vector machine. A calibration after the search uses the fits of the best candidate again.
"""

from collections.abc import Iterator
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from songwise.models import wide

_KERNELS = {"linear": (), "poly": ("gamma", "degree", "coef0"), "rbf": ("gamma",), "sigmoid": ("gamma", "coef0")}

_MOST_IN_KERNEL = 5_000  # clips; a table of their products takes 200 MB


def fit_pipeline(
    pipeline: Pipeline, X: np.ndarray, y: np.ndarray, options: dict, steps: dict | None = None
) -> Pipeline:
    """Fit a pipeline step by step, as its own `fit` does, with the faster fits of `models.wide`.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted; fitted afterwards.
    X : ndarray of float64, shape (clips, columns)
        Features.
    y : ndarray of int, shape (clips,)
        Classes.
    options : dict of str to ndarray
        As for `Pipeline.fit`: model__KEY for the last step.
    steps : dict, optional
        Steps that other pipelines fitted to the same X and y, with their results. Equal steps are taken from here, and
        new ones are added.

    Returns
    -------
    Pipeline
        The same object.
    """
    done = ""
    for place, (name, step) in enumerate(pipeline.steps[:-1]):
        if steps is None:
            X = wide.fit_transform(step, X, y)
            continue
        done += f"{type(step).__name__}({step.get_params(deep=False)!r})"
        if done not in steps:
            steps[done] = step, wide.fit_transform(step, X, y)
        fitted, X = steps[done]
        pipeline.steps[place] = name, fitted
    wide.fit(pipeline[-1], X, y, **_of_estimator(options))
    return pipeline


class InnerFits:
    """Fits of one pipeline on inner folds, with any parameters of its estimator.

    One fold at a time is in memory. Of a fit, what remains is whether it was right and, if asked for, its scores.

    Parameters
    ----------
    pipeline : Pipeline
        Unfitted, and left so. Its last step is the estimator.
    X : ndarray of float64, shape (clips, columns)
        Features.
    y : ndarray of int, shape (clips,)
        Classes.
    folds : list of (ndarray, ndarray)
        Indices of the clips to fit on, and of the held-out clips.
    options : dict of str to ndarray
        As for `Pipeline.fit`; one value per clip.
    """

    def __init__(self, pipeline: Pipeline, X: np.ndarray, y: np.ndarray, folds: list, options: dict[str, np.ndarray]):
        self._pipeline, self._X, self._y, self._folds, self._options = clone(pipeline), X, y, folds, options
        self._scores: dict[str, list[np.ndarray]] = {}  # by parameters, one array per fold

    def best_parameters(self, grid: dict[str, list], *, with_scores: bool) -> dict[str, object]:
        """Return the candidate that is right about most held-out clips, mean over folds; the first one of equals.

        Parameters
        ----------
        grid : dict of str to list
            Parameters of the estimator, and the values to try.
        with_scores : bool
            Keep the scores of held-out clips, from which `calibrated` learns.

        Returns
        -------
        dict of str to object
            One value per parameter: what `GridSearchCV` would choose.
        """
        candidates = list(ParameterGrid(grid))
        accuracies = [[] for _ in candidates]
        for fold in self._prepared_folds():
            for parameters, own in zip(candidates, accuracies, strict=True):
                found = self._fit(fold, parameters)
                own.append(found.accuracy())
                if with_scores:
                    self._scores.setdefault(repr(parameters), []).append(found.scores())
        return candidates[int(np.argmax(np.average(accuracies, axis=1)))]

    def calibrated(self, parameters: dict[str, object], fitted: Pipeline) -> CalibratedClassifierCV:
        """Return a fitted pipeline with a sigmoid per class, fitted to the scores of held-out clips.

        Parameters
        ----------
        parameters : dict of str to object
            Of the estimator.
        fitted : Pipeline
            The pipeline with these parameters, fitted to all clips.

        Returns
        -------
        CalibratedClassifierCV
            As `CalibratedClassifierCV(method="sigmoid", ensemble=False)` fits it on the same folds.
        """
        found = self._scores.get(repr(parameters))
        if found is None:
            found = [self._fit(fold, parameters).scores() for fold in self._prepared_folds()]
        scores = np.empty((len(self._y), found[0].shape[1]))
        for (_, outside), own in zip(self._folds, found, strict=True):
            scores[outside] = own
        scored = FrozenEstimator(_Scores().fit(scores, self._y))
        calibrated = CalibratedClassifierCV(scored, method="sigmoid", cv=self._folds).fit(scores, self._y)
        calibrated.calibrated_classifiers_[0].estimator = fitted
        calibrated.n_features_in_ = fitted.n_features_in_
        # The folds are indices of this training set, and not part of the fitted model.
        return calibrated.set_params(estimator=clone(fitted), cv=None, ensemble=False)

    def lacks_a_class(self) -> bool:
        """Return whether a fold has no clip of some class among those that are fitted to."""
        n_classes = len(np.unique(self._y))
        return any(len(np.unique(self._y[inside])) < n_classes for inside, _ in self._folds)

    def _prepared_folds(self) -> Iterator["_Fold"]:
        for inside, outside in self._folds:
            options = _of_estimator({key: of[inside] for key, of in self._options.items()})
            yield _Fold(self._pipeline[:-1], self._X, self._y, inside, outside, options)

    def _fit(self, fold: "_Fold", parameters: dict[str, object]) -> "_Fit":
        return fold.fit(clone(self._pipeline[-1]).set_params(**parameters))


class _Scores(ClassifierMixin, BaseEstimator):
    """A classifier whose scores are its input."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        return X[:, 0] if X.shape[1] == 1 else X

    def predict(self, X: np.ndarray) -> np.ndarray:
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]


class _Fit:
    """A fitted estimator and the held-out clips of its fold."""

    def __init__(self, estimator: ClassifierMixin, X: np.ndarray, y: np.ndarray):
        self._estimator, self._X, self._y = estimator, X, y

    def accuracy(self) -> float:
        return float(np.average(self._estimator.predict(self._X) == self._y))

    def scores(self) -> np.ndarray:
        """Shape (clips, classes), or (clips, 1) for two classes."""
        if hasattr(self._estimator, "decision_function"):
            return self._estimator.decision_function(self._X).reshape(len(self._X), -1)
        probabilities = self._estimator.predict_proba(self._X)
        return probabilities[:, 1:] if probabilities.shape[1] == 2 else probabilities


class _Fold:
    """One inner fold: its features after the steps before the estimator, and its kernels."""

    def __init__(self, before: Pipeline, X: np.ndarray, y: np.ndarray, inside, outside, options: dict):
        self._y, self._y_outside, self._options = y[inside], y[outside], options
        self._inside, self._outside = X[inside], X[outside]
        for step in clone(before):
            self._inside = wide.fit_transform(step, self._inside, self._y)
            self._outside = step.transform(self._outside)
        self._kernels: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}

    def fit(self, estimator: ClassifierMixin) -> _Fit:
        inside, outside = self._inside, self._outside
        if type(estimator) is SVC and estimator.kernel in _KERNELS and len(inside) <= _MOST_IN_KERNEL:
            inside, outside = self._products(estimator)
            estimator.set_params(kernel="precomputed")
        return _Fit(wide.fit(estimator, inside, self._y, **self._options), outside, self._y_outside)

    def _products(self, machine: SVC) -> tuple[np.ndarray, np.ndarray]:
        """Return the kernel of the clips to fit on, and of the held-out clips with them."""
        kernel = machine.kernel
        parameters = {name: getattr(machine, name) for name in _KERNELS[kernel]}
        key = (kernel, *parameters.values())
        if key not in self._kernels:
            inside, outside = self._inside, self._outside
            if parameters.get("gamma") in ("scale", "auto"):
                variance = inside.var() if parameters["gamma"] == "scale" else 1.0
                parameters["gamma"] = 1 / (inside.shape[1] * variance) if variance else 1.0
            self._kernels[key] = tuple(
                pairwise_kernels(X, inside, metric=kernel, **parameters) for X in (inside, outside)
            )
        return self._kernels[key]


def _of_estimator(options: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {key.removeprefix("model__"): value for key, value in options.items()}
