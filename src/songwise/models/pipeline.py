"""What a model file asks for, as an unfitted scikit-learn pipeline."""

import importlib

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from songwise.errors import InputError


def build(model: dict, seed: int) -> Pipeline:
    """The unfitted pipeline of a model file: constant columns dropped, scaled, reduced, then the estimator; before all
    of these the choice of columns of an ensemble's member that has a preset of its own.

    Raises
    ------
    InputError : naming the model and the parameter that its estimator does not know, or what else it cannot do.
    """
    estimator = estimator_class(model)()
    known = estimator.get_params()
    where, name = f"config/models/{model['name']}.yaml", model["estimator"].rpartition(".")[2]
    for key in [*model["parameters"], *model["search"]]:
        if key not in known:
            raise InputError(f"{where}: {name} has no parameter '{key}' (it has: {', '.join(sorted(known))})")
    estimator.set_params(**model["parameters"])
    # One thread a fit: jobs run in parallel, and figures must not depend on cores. HistGradientBoosting would stop
    # early by rows held out at random as soon as there are 10,000.
    fixed = {"random_state": seed, "n_jobs": 1, "early_stopping": False}
    if isinstance(estimator, LogisticRegression):
        del fixed["n_jobs"]  # has no effect there any more, and warns
    if model["weights"] == "balanced":
        fixed["class_weight"] = "balanced"
    estimator.set_params(**{key: value for key, value in fixed.items() if key in known})
    if not (hasattr(estimator, "predict_proba") or model["calibrate"]):
        raise InputError(f"{where}: {name} has no probabilities of its own; say calibrate: true")
    if model["weights"] == "balanced" and not _is_weighted(estimator):
        raise InputError(f"{where}: {name} knows no weights of classes or clips; leave out weights: balanced")
    steps = [("varies", VarianceThreshold())]
    if "columns" in model:
        steps.insert(0, ("columns", ColumnTransformer([("kept", "passthrough", model["columns"])])))
    if model["scale"] == "standard":
        steps.append(("scale", StandardScaler()))
    if model["reduce"]:
        steps.append(("reduce", PCA(model["reduce"]["pca"], random_state=seed)))
    return Pipeline([*steps, ("model", estimator)])


def estimator_class(model: dict) -> type:
    """The class that a model file names; the schema has checked that it is one of its list."""
    module, _, name = model["estimator"].rpartition(".")
    return getattr(importlib.import_module(module), name)


def fit_options(model: dict, pipeline: Pipeline, y: np.ndarray) -> dict[str, np.ndarray]:
    """What fitting `pipeline` to labels `y`, shape (clips,), is given besides X and y: weights that make up for
    unequal classes, where they were asked for and the estimator has no class_weight of its own."""
    if model["weights"] == "none" or "class_weight" in pipeline[-1].get_params():
        return {}
    return {"model__sample_weight": compute_sample_weight("balanced", y)}


def _is_weighted(estimator) -> bool:
    return "class_weight" in estimator.get_params() or has_fit_parameter(estimator, "sample_weight")
