"""The unfitted scikit-learn pipeline that a model file describes."""

import importlib

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from songwise.errors import InputError
from songwise.models.trained_networks import is_network


def build(model: dict, seed: int) -> Pipeline | BaseEstimator:
    """Build the unfitted pipeline of a model file.

    Its steps drop constant columns, scale, reduce, and then apply the estimator. In an ensemble, a member with its own
    preset selects its columns first. A network prepares its own input and is returned alone.

    Parameters
    ----------
    model : dict
        The model file's content.
    seed : int
        Seed of the estimator.

    Returns
    -------
    Pipeline or DeepClassifier
        Unfitted.

    Raises
    ------
    InputError
        If the estimator does not have a parameter, or cannot do what the file asks for.
    """
    estimator = estimator_class(model)()
    known = estimator.get_params()
    where, name = f"config/models/{model['name']}.yaml", model["estimator"].rpartition(".")[2]
    for key in [*model["parameters"], *model["search"]]:
        if key not in known:
            raise InputError(f"{where}: {name} has no parameter '{key}' (it has: {', '.join(sorted(known))})")
    estimator.set_params(**model["parameters"])
    # One thread per fit: jobs run in parallel, and figures must not depend on the number of cores. Without
    # early_stopping=False, HistGradientBoosting holds out rows at random as soon as there are 10,000.
    fixed = {"random_state": seed, "n_jobs": 1, "early_stopping": False}
    if isinstance(estimator, LogisticRegression):
        del fixed["n_jobs"]  # has no effect any more, and causes a warning
    if model["weights"] == "balanced":
        fixed["class_weight"] = "balanced"
    estimator.set_params(**{key: value for key, value in fixed.items() if key in known})
    if not (hasattr(estimator, "predict_proba") or model["calibrate"]):
        raise InputError(f"{where}: {name} does not return probabilities; set calibrate: true")
    if model["weights"] == "balanced" and not _is_weighted(estimator):
        raise InputError(f"{where}: {name} does not support weights of classes or clips; remove weights: balanced")
    if is_network(model):
        return _checked(estimator, where)
    steps = [("varies", VarianceThreshold())]
    if "columns" in model:
        steps.insert(0, ("columns", ColumnTransformer([("kept", "passthrough", model["columns"])])))
    if model["scale"] == "standard":
        steps.append(("scale", StandardScaler()))
    if model["reduce"]:
        steps.append(("reduce", PCA(model["reduce"]["pca"], random_state=seed)))
    return Pipeline([*steps, ("model", estimator)])


def estimator_class(model: dict) -> type:
    """Return the class that a model file names; the schema has checked that it is in the list of estimators."""
    module, _, name = model["estimator"].rpartition(".")
    return getattr(importlib.import_module(module), name)


def _checked(network: BaseEstimator, where: str) -> BaseEstimator:
    try:
        network.check_parameters()
    except ValueError as error:
        raise InputError(f"{where}: parameters: {error}") from error
    return network


def fit_options(model: dict, pipeline: Pipeline, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return the arguments for fitting a pipeline besides X and y.

    Parameters
    ----------
    model : dict
        The model file's content.
    pipeline : Pipeline
        Unfitted.
    y : ndarray of int, shape (clips,)
        Classes.

    Returns
    -------
    dict of str to ndarray of float, shape (clips,)
        Weights that balance the classes, if the file asks for them and the estimator has no class_weight.
    """
    if model["weights"] == "none" or "class_weight" in pipeline[-1].get_params():
        return {}
    return {"model__sample_weight": compute_sample_weight("balanced", y)}


def _is_weighted(estimator: BaseEstimator) -> bool:
    return "class_weight" in estimator.get_params() or has_fit_parameter(estimator, "sample_weight")
