"""One fit of a model.

Everything that depends on data (search, early stopping, calibration, stacking) is chosen on inner folds that keep
groups whole, or on predefined validation clips.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import threadpoolctl
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedGroupKFold

from songwise.errors import InputError
from songwise.models.early_stopping import best_rounds
from songwise.models.ensembles import FUSION, VOTING
from songwise.models.inner_fits import InnerFits, fit_pipeline
from songwise.models.numpy_only import numpy_only
from songwise.models.pipeline import build, estimator_class, fit_options
from songwise.models.trained_networks import is_network

_INNER_FOLDS = 3
_NETWORK_FOLDS = 5  # a network holds out one of them
_QDA = "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis"


@dataclass(frozen=True)
class Classifier:
    """A fitted estimator and the label of each of its output columns.

    Attributes
    ----------
    pipeline : Pipeline or classifier
        Predicts integers 0 to k - 1. A pipeline, calibrated or not, or an ensemble of them, or a network.
    classes : ndarray of int, shape (k,)
        Indices into the data set's labels. A class that is missing in training is missing here.
    """

    pipeline: object
    classes: np.ndarray

    def probabilities(self, X: np.ndarray, n_labels: int) -> np.ndarray:
        """Return the probability of each label.

        Parameters
        ----------
        X : ndarray of float, shape (clips, columns), or ClipFrames
            Features; frames for a network.
        n_labels : int
            Number of the data set's labels.

        Returns
        -------
        ndarray of float, shape (clips, n_labels)
            0 for a label that was missing in training.
        """
        probabilities = np.zeros((len(X), n_labels))
        probabilities[:, self.classes] = self.pipeline.predict_proba(X)
        return probabilities


@dataclass(frozen=True)
class _Training:
    """The data that a fit may use.

    Attributes
    ----------
    name : str
        Name of the model, for messages.
    X : ndarray of float, shape (clips, columns), or ClipFrames
        Features to train on; frames for a network.
    y : ndarray of int, shape (clips,)
        Their classes, 0 to k - 1.
    groups : ndarray of str, shape (clips,)
        Their groups.
    valid : tuple of ndarray, or None
        X and y of predefined validation clips.
    seed : int
        Seed of the inner folds.
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray
    valid: tuple[np.ndarray, np.ndarray] | None
    seed: int

    @cached_property
    def inner(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the indices of the two sides of each inner fold; no group is on both."""
        return self._folds(_INNER_FOLDS)

    def held_out(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices of the two sides of one inner fold, the first that has all classes in training."""
        for inside, outside in self._folds(_NETWORK_FOLDS):
            if len(np.unique(self.y[inside])) == self.y.max() + 1:
                return inside, outside
        raise InputError(
            f"config/models/{self.name}.yaml: early_stopping: every inner fold has all songs of a class on one side; "
            "add songs to the small classes, or remove the key"
        )

    def _folds(self, most: int) -> list[tuple[np.ndarray, np.ndarray]]:
        fewest = min(len(np.unique(self.groups[self.y == label])) for label in np.unique(self.y))
        if fewest < 2:
            raise InputError(
                f"config/models/{self.name}.yaml: search, early_stopping, calibrate, stacking and a fusion of "
                "this model need two songs per class in every training fold, and a class has only one; add songs, or "
                "lower split.folds"
            )
        splitter = StratifiedGroupKFold(min(most, fewest), shuffle=True, random_state=self.seed)
        return list(splitter.split(X=self.X, y=self.y, groups=self.groups))

    def to_choose(self) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
        """Return X, y and folds to choose settings on: predefined validation clips if there are any."""
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
    model : dict
        The model file's content, with the content of an ensemble's members in place of their names.
    X : ndarray of float, shape (clips, columns), or ClipFrames
        Features; frames for a network.
    y : ndarray of int, shape (clips,)
        Indices into the data set's labels.
    groups : ndarray of str, shape (clips,)
        No group crosses an inner fold.
    seed : int
        Seed of the estimator and of the inner folds.
    valid : tuple of ndarray, optional
        X and y of predefined validation clips. Search and early stopping then choose on these instead of inner
        folds, and nothing is ever fitted to them. Calibration and stacking use inner folds in any case.

    Returns
    -------
    Classifier
        Fitted.

    Raises
    ------
    InputError
        If the model file cannot be used, or a class has too few groups for inner folds.
    """
    classes, encoded = np.unique(y, return_inverse=True)
    training = _Training(model["name"], X, encoded, groups, _known(valid, classes), seed)
    return replace(_fit(model, training), classes=classes)


def _fit(model: dict, training: _Training, steps: dict | None = None) -> Classifier:
    """Fit one model; its classes are 0 to k - 1. `steps` has those that other models fitted to the same clips."""
    try:
        with threadpoolctl.threadpool_limits(1), numpy_only():
            pipeline = _ensemble(model, training) if model["members"] else _single(model, training, steps)
    # Numbers, labels and names of parameters have been checked, so the cause is a parameter's value.
    except (ValueError, np.linalg.LinAlgError) as error:
        raise InputError(f"config/models/{model['name']}.yaml: {error}") from error
    return Classifier(pipeline, np.arange(training.y.max() + 1))


def _single(model: dict, training: _Training, steps: dict | None):
    pipeline = build(model, training.seed)
    if is_network(model):
        return _trained(pipeline, model["early_stopping"], training)
    if model["reduce"]:
        pipeline.set_params(reduce__n_components=_components(model, training))
    options = fit_options(model, pipeline, training.y)
    chosen, inner_fits = {}, None
    if model["search"] or model["early_stopping"]:
        X, y, folds = training.to_choose()
        # Predefined validation clips come after the training clips; their weights are not used.
        weights = {key: np.pad(weight, (0, len(y) - len(weight))) for key, weight in options.items()}
        if model["search"]:
            inner_fits = InnerFits(pipeline, X, y, folds, weights)
            chosen = inner_fits.best_parameters(model["search"], with_scores=model["calibrate"])
            pipeline[-1].set_params(**chosen)
        if model["early_stopping"]:
            weight = weights.get("model__sample_weight")
            pipeline.set_params(**best_rounds(model, pipeline, X, y, folds, weight))
    if not model["calibrate"]:
        return fit_pipeline(pipeline, training.X, training.y, options, steps)
    if inner_fits is None or training.valid is not None or model["early_stopping"]:
        chosen, inner_fits = {}, InnerFits(pipeline, training.X, training.y, training.inner, options)
    if inner_fits.lacks_a_class():
        calibrated = CalibratedClassifierCV(pipeline, method="sigmoid", cv=training.inner, ensemble=False)
        # The folds are indices of this training set, and not part of the fitted model.
        return calibrated.fit(training.X, training.y, **options).set_params(cv=None)
    return inner_fits.calibrated(chosen, fit_pipeline(clone(pipeline), training.X, training.y, options, steps))


def _trained(network, patience: int | None, training: _Training):
    """Train a network, and keep the epoch that is best on the predefined validation clips or on one inner fold.

    Unlike other models, it is not fitted again with the held-out clips: that would take as long once more.
    """
    X, y = training.X, training.y
    if patience is None:
        return network.fit(X, y)
    network.set_params(patience=patience)
    if training.valid is not None:
        return network.fit(X, y, *training.valid)
    inside, outside = training.held_out()
    return network.fit(X[inside], y[inside], X[outside], y[outside])


def _components(model: dict, training: _Training) -> int | float:
    """Return the principal components to keep: a share of the variance as given, a number as far as all fits allow."""
    components = model["reduce"]["pca"]
    if components < 1:
        return components
    sides = [training.y]
    if model["search"] or model["early_stopping"] or model["calibrate"]:
        sides += [training.y[inside] for inside, _ in training.inner]
    columns = training.X[:, model.get("columns", slice(None))]
    most = [components, np.count_nonzero(np.ptp(columns, axis=0)), *map(len, sides)]
    if model["estimator"] == _QDA:
        # A covariance matrix per class needs more clips of the class than components.
        most += [np.bincount(y)[np.unique(y)].min() - 1 for y in sides]
    return max(1, int(min(most)))


def _ensemble(model: dict, training: _Training):
    """Fit each member with its own search and calibration, then join them.

    The ensemble gets frozen members, because scikit-learn's would fit them without regard to groups.
    """
    X, y = training.X, training.y
    fitted = [classifier.pipeline for classifier in _fit_all(model["members"].values(), training)]
    members = [(name, FrozenEstimator(pipeline)) for name, pipeline in zip(model["members"], fitted, strict=True)]
    if model["estimator"] == VOTING:
        return VotingClassifier(members, voting="soft", **model["parameters"]).fit(X, y)
    held_out = _held_out(model["members"].values(), training)
    if model["estimator"] == FUSION:
        return estimator_class(model).learned(members, held_out, y).fit(X, y)
    # The columns of StackingClassifier: if there are two classes, only the second has one.
    columns = held_out[..., 1 if held_out.shape[-1] == 2 else 0 :].reshape(len(y), -1)
    final = FrozenEstimator(fit(model["final"], columns, y, training.groups, training.seed).pipeline)
    # It predicts what it is given and fits nothing, so one clip per class is enough.
    _, firsts = np.unique(y, return_index=True)
    stack = StackingClassifier(members, final, cv="prefit", stack_method="predict_proba")
    return stack.fit(X[firsts], y[firsts])


def _fit_all(models: Collection[dict], training: _Training) -> list[Classifier]:
    """Fit several models to the same clips; steps that they have in common are fitted once."""
    steps = {} if len(models) > 1 else None
    return [_fit(model, replace(training, name=model["name"]), steps) for model in models]


def _held_out(models: Collection[dict], training: _Training) -> np.ndarray:
    """Return each model's probabilities for songs that it was not fitted on, shape (clips, models, classes)."""
    probabilities = np.zeros((len(training.y), len(models), training.y.max() + 1))
    for inside, outside in training.inner:
        X, groups = training.X[inside], training.groups[inside]
        classes, y = np.unique(training.y[inside], return_inverse=True)
        valid = _known(training.valid, classes)
        asked = training.X[outside]
        for index, classifier in enumerate(_fit_all(models, _Training("", X, y, groups, valid, training.seed))):
            found = replace(classifier, classes=classes).probabilities(asked, probabilities.shape[-1])
            probabilities[outside, index] = found
    return probabilities


def predict_held_out(
    model: dict,
    X: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    seed: int,
    valid: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Predict every clip of a training set by a model that was fitted without the clip's group.

    A fusion chooses the weights of its members from these predictions. The arguments are those of `fit`, and so are the
    inner folds.

    Parameters
    ----------
    model : dict
        The model file's content.
    X : ndarray of float, shape (clips, columns)
        Features.
    y : ndarray of int, shape (clips,)
        Indices into the data set's labels.
    groups : ndarray of str, shape (clips,)
        No group crosses an inner fold.
    seed : int
        Seed of the estimator and of the inner folds.
    valid : tuple of ndarray, optional
        X and y of predefined validation clips.

    Returns
    -------
    probabilities : ndarray of float, shape (clips, k)
        Per clip and class.
    classes : ndarray of int, shape (k,)
        Indices into the data set's labels.

    Raises
    ------
    InputError
        If the model file cannot be used, or a class has too few groups for inner folds.
    """
    classes, encoded = np.unique(y, return_inverse=True)
    training = _Training(model["name"], X, encoded, groups, _known(valid, classes), seed)
    return _held_out([model], training)[:, 0], classes


def _known(valid: tuple[np.ndarray, np.ndarray] | None, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the validation clips whose class is among those in training, with their places among these classes."""
    if valid is None:
        return None
    known = np.isin(valid[1], classes)
    return (valid[0][known], np.searchsorted(classes, valid[1][known])) if known.any() else None
