"""Model bundles: a fitted pipeline and its card in a folder, loaded without executing anything.

The pipeline is stored by skops (https://skops.readthedocs.io), which rebuilds objects from a description
and refuses types that it was not told to trust; a pickle would run whatever its author wrote into it.
skops is imported where it is used, since it imports all of scikit-learn.
"""

import zipfile
from pathlib import Path

from songwise.errors import InputError
from songwise.files import read_json, replacing, write_json

_MODEL = "model.skops"
_CARD = "bundle.json"
_REMEDY = "train the model again, or pull its bundle again"

# What a songwise model may hold beyond scikit-learn's public estimators, numpy arrays and plain values, which
# skops trusts by itself. A file may have any of these *called* with any arguments, so an entry must be a
# class that stays harmless then: never a function, functools.partial, anything of `operator`, or the metric
# that wraps a function (PyFuncDistance64).
# skops leaves out the trees because it checks types, not contents: an index forged beyond the end of a tree
# can crash a prediction, though it cannot run code.
TRUSTED_TYPES = [
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    *(
        f"sklearn.metrics._dist_metrics.{name}Distance64"
        for name in (
            "BrayCurtis",
            "Canberra",
            "Chebyshev",
            "Dice",
            "Euclidean",
            "Hamming",
            "Haversine",
            "Jaccard",
            "Mahalanobis",
            "Manhattan",
            "Minkowski",
            "RogersTanimoto",
            "RussellRao",
            "SEuclidean",
            "SokalSneath",
        )
    ),
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
]


def save_bundle(folder: Path, pipeline, card: dict) -> None:
    """Write model.skops and bundle.json into `folder`, both or neither; an existing folder is replaced.

    Parameters
    ----------
    pipeline : a fitted scikit-learn pipeline, made of what `load_bundle` accepts.
    card : JSON values that describe it: labels, columns, preset, data version, metrics.

    Raises
    ------
    InputError
        The pipeline holds a type that `load_bundle` would refuse.
    """
    import skops.io

    content = skops.io.dumps(pipeline, compression=zipfile.ZIP_DEFLATED)
    _refuse_untrusted(content, f"the model for {folder}")
    with replacing(folder) as temporary:
        temporary.mkdir()
        (temporary / _MODEL).write_bytes(content)
        write_json(temporary / _CARD, card)


def load_bundle(folder: Path) -> tuple[object, dict]:
    """The fitted pipeline and the card that `save_bundle` wrote.

    Raises
    ------
    InputError
        A file is missing or corrupt, or the model holds a type outside of TRUSTED_TYPES.
    """
    import skops.io

    model, card = Path(folder) / _MODEL, Path(folder) / _CARD
    try:
        content = model.read_bytes()
        described = read_json(card)
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; {_REMEDY}") from None
    except ValueError as error:
        raise InputError(f"{card}: not JSON ({error}); {_REMEDY}") from None
    _refuse_untrusted(content, model)
    try:
        return skops.io.loads(content, trusted=TRUSTED_TYPES), described
    # Forged and truncated content fails in as many ways as there are types in it.
    except Exception as error:
        raise _corrupt(model, error) from None


def _refuse_untrusted(content: bytes, where: object) -> None:
    import skops.io

    try:
        unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES))
    except Exception as error:
        raise _corrupt(where, error) from None
    if unknown:
        raise InputError(
            f"{where}: holds {', '.join(unknown)}, which songwise does not load, because a model file must "
            f"not be able to execute anything; {_REMEDY}"
        )


def _corrupt(where: object, error: Exception) -> InputError:
    return InputError(f"{where}: not a model file of songwise ({error}); {_REMEDY}")
