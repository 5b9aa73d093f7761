"""Fits of a model on inner folds, each made once for all that is chosen and calibrated on them.

Candidates of a search differ in the estimator alone. So the steps before it are fitted once per fold, and so is the
kernel of a support vector machine. A calibration after the search uses the fits of the best candidate again.
"""

from functools import cached_property
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
        self._estimator = pipeline[-1]
        self._y = y
        self._folds = [
            _Fold(pipeline[:-1], X, y, inside, outside, _of_estimator({key: of[inside] for key, of in options.items()}))
            for inside, outside in folds
        ]

    def best_parameters(self, grid: dict[str, list]) -> dict[str, object]:
        """Return the candidate that is right about most held-out clips, mean over folds; the first one of equals.

        Parameters
        ----------
        grid : dict of str to list
            Parameters of the estimator, and the values to try.

        Returns
        -------
        dict of str to object
            One value per parameter: what `GridSearchCV` would choose.
        """
        candidates = list(ParameterGrid(grid))
        accuracies = [[self._fit(fold, one).accuracy for fold in self._folds] for one in candidates]
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
        found = [self._fit(fold, parameters).scores for fold in self._folds]
        scores = np.empty((len(self._y), found[0].shape[1]))
        for fold, own in zip(self._folds, found, strict=True):
            scores[fold.outside] = own
        scored = FrozenEstimator(_Scores().fit(scores, self._y))
        folds = [(fold.inside, fold.outside) for fold in self._folds]
        calibrated = CalibratedClassifierCV(scored, method="sigmoid", cv=folds).fit(scores, self._y)
        calibrated.calibrated_classifiers_[0].estimator = fitted
        calibrated.n_features_in_ = fitted.n_features_in_
        # The folds are indices of this training set, and not part of the fitted model.
        return calibrated.set_params(estimator=clone(fitted), cv=None, ensemble=False)

    def lacks_a_class(self) -> bool:
        """Return whether a fold has no clip of some class among those that are fitted to."""
        n_classes = len(np.unique(self._y))
        return any(len(np.unique(self._y[fold.inside])) < n_classes for fold in self._folds)

    def _fit(self, fold: "_Fold", parameters: dict[str, object]) -> "_Fit":
        return fold.fit(clone(self._estimator).set_params(**parameters), repr(sorted(parameters.items())))


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

    @cached_property
    def accuracy(self) -> float:
        return float(np.average(self._estimator.predict(self._X) == self._y))

    @cached_property
    def scores(self) -> np.ndarray:
        """Shape (clips, classes), or (clips, 1) for two classes."""
        if hasattr(self._estimator, "decision_function"):
            return self._estimator.decision_function(self._X).reshape(len(self._X), -1)
        probabilities = self._estimator.predict_proba(self._X)
        return probabilities[:, 1:] if probabilities.shape[1] == 2 else probabilities


class _Fold:
    """One inner fold: its features after the steps before the estimator, its kernels, and the fits made on it."""

    def __init__(self, before: Pipeline, X: np.ndarray, y: np.ndarray, inside, outside, options: dict):
        self.inside, self.outside = inside, outside
        self._before, self._X, self._y, self._options = before, X, y, options
        self._fits: dict[str, _Fit] = {}
        self._kernels: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}

    @cached_property
    def _sides(self) -> tuple[np.ndarray, np.ndarray]:
        inside, outside = self._X[self.inside], self._X[self.outside]
        for step in clone(self._before):
            inside, outside = wide.fit_transform(step, inside, self._y[self.inside]), step.transform(outside)
        return inside, outside

    def fit(self, estimator: ClassifierMixin, key: str) -> _Fit:
        if key not in self._fits:
            (inside, outside), y = self._sides, self._y
            if type(estimator) is SVC and estimator.kernel in _KERNELS:
                inside, outside = self._products(estimator)
                estimator.set_params(kernel="precomputed")
            self._fits[key] = _Fit(
                wide.fit(estimator, inside, y[self.inside], **self._options), outside, y[self.outside]
            )
        return self._fits[key]

    def _products(self, machine: SVC) -> tuple[np.ndarray, np.ndarray]:
        """Return the kernel of the clips to fit on, and of the held-out clips with them."""
        kernel = machine.kernel
        parameters = {name: getattr(machine, name) for name in _KERNELS[kernel]}
        key = (kernel, *parameters.values())
        if key not in self._kernels:
            inside, outside = self._sides
            if parameters.get("gamma") in ("scale", "auto"):
                variance = inside.var() if parameters["gamma"] == "scale" else 1.0
                parameters["gamma"] = 1 / (inside.shape[1] * variance) if variance else 1.0
            self._kernels[key] = tuple(
                pairwise_kernels(X, inside, metric=kernel, **parameters) for X in (inside, outside)
            )
        return self._kernels[key]


def _of_estimator(options: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {key.removeprefix("model__"): value for key, value in options.items()}
