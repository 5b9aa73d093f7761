"""Model bundles: a fitted pipeline and its card in a folder, loaded without executing anything.

The pipeline is stored by skops (https://skops.readthedocs.io). skops rebuilds objects from a description and refuses
types that are not trusted. A pickle, in contrast, runs any code that its author put into it. skops is imported only
where it is used, because it imports all of scikit-learn. A network is stored as safetensors and JSON instead
(`models.deep.network_file`).
"""

import zipfile
from pathlib import Path

from songwise.errors import InputError
from songwise.files import read_json, replacing, write_json
from songwise.models.quick_start import import_skops
from songwise.models.trained_networks import import_deep, is_network_bundle

_MODEL = "model.skops"
_CARD = "bundle.json"
_WHAT_TO_DO = "train the model again, or pull its bundle again"

# Types that a songwise model may contain besides scikit-learn's public estimators, numpy arrays and plain values, which
# skops trusts by default. A file can *call* each of these with any arguments, so an entry must be a class that is
# harmless when called: never a function, functools.partial, anything from `operator`, or the metric that wraps a
# function (PyFuncDistance64).
# skops does not trust the trees by default because it checks types, not contents: a forged index beyond the end of a
# tree can crash a prediction, although it cannot run code.
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
    "songwise.models.fusion.Fusion",
    "songwise.models.pooled_lda.PooledLDA",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
]


def save_bundle(folder: Path, pipeline: object, card: dict) -> None:
    """Write the model and bundle.json into a folder, both or neither.

    Parameters
    ----------
    folder : Path
        The folder to write; an existing one is replaced.
    pipeline : Pipeline or classifier
        A fitted scikit-learn pipeline of types that `load_bundle` accepts, or a network.
    card : dict
        JSON values that describe it: labels, columns, preset, data version, metrics.

    Raises
    ------
    InputError
        If the pipeline contains a type that `load_bundle` would refuse.
    """
    with replacing(folder) as temporary:
        temporary.mkdir()
        if hasattr(pipeline, "network_"):
            import_deep("network_file").save_network(pipeline, temporary)
        else:
            (temporary / _MODEL).write_bytes(_dump(pipeline, folder))
        write_json(temporary / _CARD, card)


def _dump(pipeline: object, folder: Path) -> bytes:
    import_skops()
    import skops.io

    content = skops.io.dumps(pipeline, compression=zipfile.ZIP_DEFLATED)
    _refuse_untrusted(content, f"the model for {folder}")
    return content


def load_bundle(folder: Path) -> tuple[object, dict]:
    """Read what `save_bundle` wrote, without executing anything from the files.

    Parameters
    ----------
    folder : Path
        A bundle's folder.

    Returns
    -------
    pipeline : Pipeline or classifier
        The fitted pipeline or network.
    card : dict
        The values that describe it.

    Raises
    ------
    InputError
        If a file is missing or corrupt, or if the model contains a type that is not in TRUSTED_TYPES; if it is a
        network and torch is not installed.
    """
    folder = Path(folder)
    if is_network_bundle(folder):
        import_deep("available").require_for(folder)
        return import_deep("network_file").load_network(folder), _read_card(folder)
    return _load_pipeline(model_file(folder)), _read_card(folder)


def check_bundle(folder: Path) -> dict:
    """Check a bundle without loading its model, which takes longer.

    Parameters
    ----------
    folder : Path
        A bundle's folder.

    Returns
    -------
    dict
        The values that describe it.

    Raises
    ------
    InputError
        As `load_bundle`, except for content that only fails when the model is built from it.
    """
    folder = Path(folder)
    if not is_network_bundle(folder):
        _refuse_untrusted(_read_model(model_file(folder)), model_file(folder))
    return _read_card(folder)


def model_file(folder: Path) -> Path:
    """Return the skops file of a bundle that is not a network."""
    return folder / _MODEL


def _read_card(folder: Path) -> dict:
    card = folder / _CARD
    try:
        return read_json(card)
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; {_WHAT_TO_DO}") from None
    except ValueError:
        raise InputError(f"{card}: is not JSON; {_WHAT_TO_DO}") from None


def _load_pipeline(model: Path) -> object:
    import_skops()
    import skops.io

    content = _read_model(model)
    _refuse_untrusted(content, model)
    try:
        return skops.io.loads(content, trusted=TRUSTED_TYPES)
    # Forged and truncated content can fail in many ways, one for each type in it.
    except Exception as error:
        raise _corrupt(model, error) from None


def _read_model(model: Path) -> bytes:
    try:
        return model.read_bytes()
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; {_WHAT_TO_DO}") from None


def _refuse_untrusted(content: bytes, where: object) -> None:
    import_skops()
    import skops.io

    try:
        unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES))
    except Exception as error:
        raise _corrupt(where, error) from None
    if unknown:
        raise InputError(
            f"{where}: contains {', '.join(unknown)}, which songwise does not load, because a model file must "
            f"not be able to execute anything; {_WHAT_TO_DO}"
        )


def _corrupt(where: object, error: Exception) -> InputError:
    return InputError(f"{where}: is not a model file of songwise ({error}); {_WHAT_TO_DO}")
