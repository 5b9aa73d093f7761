"""Parameters of estimators, checked before any work: their names, their values, and that they fit together.

The check asks scikit-learn and XGBoost themselves, whose import takes seconds. So its success is recorded per model and
library version, and a start of Snakemake after the first imports neither.
"""

import itertools
import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from songwise.errors import InputError, suggestion
from songwise.files import digest
from songwise.models.files import trained_model
from songwise.models.rounds import ROUNDS
from songwise.paths import cache_folder
from songwise.runtime.provenance import code_of

_LIBRARIES = {"sklearn": "scikit-learn", "xgboost": "xgboost"}  # by the first part of an import path
# Estimators whose fit refuses some combinations of valid values, such as a solver without shrinkage.
_COMBINING = {
    "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
    "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis",
    "sklearn.linear_model.LogisticRegression",
    "sklearn.neighbors.KNeighborsClassifier",
    "sklearn.neural_network.MLPClassifier",
    "sklearn.svm.LinearSVC",
    "sklearn.svm.SVC",
    "xgboost.XGBClassifier",
}
# Parameters that only the real data can contradict.
_OF_THE_DATA = ("batch_size", "class_weight", "metric_params", "n_components", "priors")
_MOST_COMBINATIONS = 100
_VERSION = 1  # of this check: a higher number repeats it for every model


def check_parameters(model: dict) -> None:
    """Check the keys `parameters` and `search` of a model, its members and its final model.

    Parameters
    ----------
    model : dict
        A model (`songwise.models.files.load_model`).

    Raises
    ------
    InputError
        With one line per parameter that the estimator does not have, or whose value it cannot use. Each line names the
        model file and the key.
    """
    for part in (model, *model["members"].values(), *([model["final"]] if model["final"] else [])):
        if part["members"]:
            continue  # an ensemble has no parameters of its own beside the weights of its members
        record = _record(part)
        if not record.exists():
            _check(part)
            with suppress(OSError):  # without a cache the next start checks again
                record.parent.mkdir(parents=True, exist_ok=True)
                record.touch()


def _record(model: dict) -> Path:
    """Return the empty file that records that a model passed the check."""
    checked_by = _checked_by(model)
    content = {key: value for key, value in trained_model(model).items() if key not in ("name", "preset")}
    return cache_folder() / "parameters" / digest([_VERSION, checked_by, content])


def _checked_by(model: dict) -> str:
    """Return the version of what checks the parameters: the estimator's library, or the code of our own estimator."""
    library, _, path = model["estimator"].partition(".")
    return code_of(path.rpartition(".")[0]) if library == "songwise" else version(_LIBRARIES[library])


def _check(model: dict) -> None:
    from songwise.models.pipeline import build, estimator_class

    where, name = f"config/models/{model['name']}.yaml", model["estimator"].rpartition(".")[2]
    estimator = estimator_class(model)
    known = sorted(estimator().get_params())
    problems = [
        f"{where}: {section}: {name} has no parameter '{key}'{suggestion(key, known)}"
        for section in ("parameters", "search")
        for key in model[section]
        if key not in known
    ]
    problems = problems or [f"{where}: {problem}" for problem in _invalid_values(model, estimator)]
    problems = problems or [f"{where}: {problem}" for problem in itertools.islice(_failing_fits(model, estimator), 1)]
    if problems:
        raise InputError("\n".join(dict.fromkeys(problems)))
    # Its remaining refusals, such as weights for an estimator without any, come now and not in the training job.
    build(model, seed=0)


def _invalid_values(model: dict, estimator: type) -> Iterator[str]:
    """Yield a message for each value that is invalid, whatever the values of other parameters are."""
    entries = [("parameters", key, value) for key, value in model["parameters"].items()]
    entries += [("search", key, value) for key, values in model["search"].items() for value in values]
    for section, key, value in entries:
        if problem := _invalid_value(estimator, key, value):
            yield f"{section}.{key}: {estimator.__name__}: {problem}"


def _invalid_value(estimator: type, key: str, value: object) -> str:
    if hasattr(estimator, "_parameter_constraints"):  # scikit-learn and songwise
        try:
            estimator(**{key: value})._validate_params()
        except ValueError as error:
            return _without_prefix(str(error), key, estimator.__name__)
        return ""
    if key == ROUNDS["xgboost.XGBClassifier"].parameter:
        # XGBoost accepts these and then trains no round at all.
        is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
        return "" if is_count else f"must be an int in the range [1, inf). Got {value!r} instead"
    return _refusal(estimator, {key: value})


def _failing_fits(model: dict, estimator: type) -> Iterator[str]:
    """Yield a message for each combination of values with which a fit of a small invented table fails."""
    if model["estimator"] not in _COMBINING:
        return
    grid = itertools.product(*model["search"].values())
    for values in itertools.islice(grid, _MOST_COMBINATIONS):
        parameters = model["parameters"] | dict(zip(model["search"], values, strict=True))
        if problem := _refusal(estimator, parameters):
            named = ", ".join(f"{key}={value!r}" for key, value in parameters.items())
            yield f"parameters: {estimator.__name__}({named}): {problem}"


def _refusal(estimator: type, parameters: dict) -> str:
    """Return why an estimator cannot be fitted with these parameters, and an empty text if it can."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 16)), np.arange(60) % 3
    tried = {key: value for key, value in parameters.items() if key not in _OF_THE_DATA}
    path = next((path for path in ROUNDS if path.endswith(f".{estimator.__name__}")), "")
    if path in ROUNDS:
        tried[ROUNDS[path].parameter] = 1
    try:
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            estimator(**tried).fit(X, y)
    except (ValueError, TypeError, NotImplementedError) as error:  # XGBoostError is a ValueError
        return _main_line(str(error))
    return ""


def _main_line(message: str) -> str:
    """Return the line of a library's message that says what is wrong, without XGBoost's source lines and stack."""
    text = re.sub(r"^\[[\d:]+\] \S+:\d+: ", "", message.partition("Stack trace")[0])
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())


def _without_prefix(message: str, key: str, estimator: str) -> str:
    """Return scikit-learn's message without the parameter and the estimator, which the key names already."""
    prefix = f"The '{key}' parameter of {estimator} "
    return message.removeprefix(prefix).rstrip(".")
