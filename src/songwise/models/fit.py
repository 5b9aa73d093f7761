"""One fit. Whatever it chooses on data (search, early stopping, calibration, stacking) it chooses on inner folds that
keep groups whole, or on predefined validation clips."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import threadpoolctl
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold

from songwise.errors import InputError
from songwise.models.early_stopping import best_rounds
from songwise.models.pipeline import build, fit_options

_INNER_FOLDS = 3
_QDA = "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis"


@dataclass(frozen=True)
class Classifier:
    """A fitted estimator and the label of each of its output columns.

    Attributes
    ----------
    pipeline : predicts integers 0..k-1: a Pipeline, calibrated or not, or an ensemble of such.
    classes : shape (k,), indices into the data set's labels; a class absent from training is absent here.
    """

    pipeline: object
    classes: np.ndarray

    def probabilities(self, X: np.ndarray, n_labels: int) -> np.ndarray:
        """Probability of each label, shape (clips, n_labels); 0 for a label that was not trained."""
        found = np.zeros((len(X), n_labels))
        found[:, self.classes] = self.pipeline.predict_proba(X)
        return found


@dataclass(frozen=True)
class _Training:
    """What a fit may see: X, y (0..k-1) and groups of the clips to learn from; clips to choose on, or None."""

    name: str
    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray
    valid: tuple[np.ndarray, np.ndarray] | None
    seed: int

    @cached_property
    def inner(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Indices of the two sides of each inner fold; no group stands on both."""
        fewest = min(len(np.unique(self.groups[self.y == label])) for label in np.unique(self.y))
        if fewest < 2:
            raise InputError(
                f"config/models/{self.name}.yaml: search, early_stopping, calibrate and stacking need two songs a "
                "class in every training fold, and a class has one; add songs, or lower split.folds"
            )
        splitter = StratifiedGroupKFold(min(_INNER_FOLDS, fewest), shuffle=True, random_state=self.seed)
        return list(splitter.split(X=self.X, y=self.y, groups=self.groups))

    def to_choose(self) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
        """X, y and folds to choose settings on: predefined validation clips where there are some."""
        if self.valid is None:
            return self.X, self.y, self.inner
        X, y = np.concatenate([self.X, self.valid[0]]), np.concatenate([self.y, self.valid[1]])
        return X, y, [(np.arange(len(self.y)), np.arange(len(self.y), len(y)))]


def fit(
    model: dict,
    X: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    seed: int,
    valid: tuple[np.ndarray, np.ndarray] | None = None,
) -> Classifier:
    """Fit one model.

    Parameters
    ----------
    model : the model file's content, its members' in place of their names (`Plan.model_of`).
    X : float, shape (clips, columns).
    y : int, shape (clips,), indices into the data set's labels.
    groups : shape (clips,); no group crosses an inner fold.
    seed : of the estimator and the inner folds.
    valid : X and y of predefined validation clips. Search and early stopping then choose on these instead of inner
        folds, and nothing is ever fitted to them. Calibration and stacking use inner folds in any case.

    Raises
    ------
    InputError : the model file cannot be used, or a class has too few groups for inner folds.
    """
    classes, encoded = np.unique(y, return_inverse=True)
    if valid is not None:
        known = np.isin(valid[1], classes)
        valid = (valid[0][known], np.searchsorted(classes, valid[1][known])) if known.any() else None
    training = _Training(model["name"], X, encoded, groups, valid, seed)
    try:
        with threadpoolctl.threadpool_limits(1):
            return Classifier(_ensemble(model, training) if model["members"] else _single(model, training), classes)
    # Numbers, labels and names of parameters are checked by now: what is left is a value that cannot be.
    except (ValueError, np.linalg.LinAlgError) as error:
        raise InputError(f"config/models/{model['name']}.yaml: {error}") from error


def _single(model: dict, training: _Training):
    pipeline = build(model, training.seed)
    if model["reduce"]:
        pipeline.set_params(reduce__n_components=_components(model, training))
    options = fit_options(model, pipeline, training.y)
    if model["search"] or model["early_stopping"]:
        X, y, folds = training.to_choose()
        # Predefined validation clips follow those to learn from; nobody reads their weights.
        weights = {key: np.pad(weight, (0, len(y) - len(weight))) for key, weight in options.items()}
        if model["search"]:
            grid = {f"model__{key}": values for key, values in model["search"].items()}
            search = GridSearchCV(pipeline, grid, cv=folds, refit=False, scoring="accuracy", error_score="raise")
            pipeline.set_params(**search.fit(X, y, **weights).best_params_)
        if model["early_stopping"]:
            weight = weights.get("model__sample_weight")
            pipeline.set_params(**best_rounds(model, pipeline, X, y, folds, weight))
    if not model["calibrate"]:
        return pipeline.fit(training.X, training.y, **options)
    calibrated = CalibratedClassifierCV(pipeline, method="sigmoid", cv=training.inner, ensemble=False)
    # The folds, indices of this training set, are no part of the fitted model.
    return calibrated.fit(training.X, training.y, **options).set_params(cv=None)


def _components(model: dict, training: _Training) -> int | float:
    """Principal components to keep: a share of the variance as it was asked for, a number as far as each fit allows."""
    asked = model["reduce"]["pca"]
    if asked < 1:
        return asked
    sides = [training.y]
    if model["search"] or model["early_stopping"] or model["calibrate"]:
        sides += [training.y[inside] for inside, _ in training.inner]
    columns = training.X[:, model.get("columns", slice(None))]
    most = [asked, np.count_nonzero(np.ptp(columns, axis=0)), *map(len, sides)]
    if model["estimator"] == _QDA:
        # A covariance for each class wants more clips of it than components.
        most += [np.bincount(y)[np.unique(y)].min() - 1 for y in sides]
    return max(1, int(min(most)))


def _ensemble(model: dict, training: _Training):
    """Members fitted each by itself, with its own search and calibration, then joined by scikit-learn's ensembles,
    which would fit them without regard to groups and are therefore given them frozen."""
    X, y = training.X, training.y
    members = [(name, FrozenEstimator(_refitted(member, training))) for name, member in model["members"].items()]
    if model["estimator"] == "sklearn.ensemble.VotingClassifier":
        return VotingClassifier(members, voting="soft", **model["parameters"]).fit(X, y)
    final = FrozenEstimator(
        fit(model["final"], _out_of_fold(model, training), y, training.groups, training.seed).pipeline
    )
    return StackingClassifier(members, final, cv="prefit", stack_method="predict_proba").fit(X, y)


def _refitted(member: dict, training: _Training):
    return fit(member, training.X, training.y, training.groups, training.seed, training.valid).pipeline


def _out_of_fold(model: dict, training: _Training) -> np.ndarray:
    """What the members of a stack say of songs that they were not fitted to, shape (clips, members x classes), laid out
    as StackingClassifier does: of two classes, only the second has a column."""
    n_classes = training.y.max() + 1
    found = np.zeros((len(training.y), len(model["members"]), n_classes))
    for inside, outside in training.inner:
        sides = training.X[inside], training.y[inside], training.groups[inside]
        for index, member in enumerate(model["members"].values()):
            classifier = fit(member, *sides, training.seed, training.valid)
            found[outside, index] = classifier.probabilities(training.X[outside], n_classes)
    return found[..., 1 if n_classes == 2 else 0 :].reshape(len(found), -1)
