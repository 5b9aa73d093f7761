"""Model files: one model's estimator, parameters and presets, and how its keys must fit together.

Light: it runs at every start of Snakemake.
"""

from pathlib import Path

from songwise.errors import InputError
from songwise.models.ensembles import ENSEMBLES, STACKING, VOTING
from songwise.models.rounds import ROUNDS
from songwise.models.trained_networks import is_network
from songwise.paths import Run
from songwise.schemas.model import Model
from songwise.schemas.read import load_named

_BY_CLIPS = "it would hold out random clips, and so put clips of the same song on both sides; "
# Parameters that a model file must not set, and what to do instead.
_RESERVED = {
    "early_stopping": _BY_CLIPS + "use the key early_stopping of the file",
    "early_stopping_rounds": "use the key early_stopping of the file",
    "validation_fraction": _BY_CLIPS + "use the key early_stopping of the file",
    "oob_score": _BY_CLIPS + "remove it",
    "patience": "use the key early_stopping of the file",
    "probability": _BY_CLIPS + "use calibrate: true",
    "n_jobs": "songwise gives each fit one thread; remove it",
    "nthread": "songwise gives each fit one thread; remove it",
    "random_state": "songwise sets it from the seed of config.yaml; remove it",
}


def load_model(name: str, root: Path) -> dict:
    """Return a model with the content of its members in place of their names.

    Parameters
    ----------
    name : str
        Name of a file in config/models.
    root : Path
        The folder that contains config/.

    Returns
    -------
    dict
        The keys of `songwise.schemas.model.Model`, with defaults filled in. `members` maps MODEL or MODEL@PRESET to the
        member's content, with the key `preset` in the latter case. `final` is the content of that model.

    Raises
    ------
    InputError
        If there is no such model, or if its file is invalid. The message names the file and the key.
    """
    where = f"config/models/{name}.yaml"
    model = load_named(Model, name, root / "config" / "models", root)
    _check_model(model, where)
    content = model.model_dump()
    content["members"] = {
        str(member): _load_part(member.model, root, f"{where}: members")
        | ({"preset": member.preset} if member.preset else {})
        for member in map(Run.parse, model.members)
    }
    if model.final:
        content["final"] = _load_part(model.final, root, f"{where}: final")
    return content


def trained_model(model: dict) -> dict:
    """Return the keys of a model that its training depends on.

    Parameters
    ----------
    model : dict
        A model (`load_model`).

    Returns
    -------
    dict
        The model without `title` and without its list of presets, so that an edit of these trains nothing again. The
        same holds for its members and its final model.
    """
    content = {key: value for key, value in model.items() if key not in ("title", "features")}
    content["members"] = {name: trained_model(member) for name, member in model["members"].items()}
    content["final"] = trained_model(model["final"]) if model["final"] else None
    return content


def _load_part(name: str, root: Path, where: str) -> dict:
    # Before its own members are read: an ensemble that contains itself would never end.
    if load_named(Model, name, root / "config" / "models", root).members:
        raise InputError(f"{where}: {name} is an ensemble itself; name its members instead")
    content = load_model(name, root)
    if is_network(content):
        raise InputError(f"{where}: {name} is a network on frames, which cannot be combined with models on columns")
    return {key: value for key, value in content.items() if key != "features"}


def _check_model(model: Model, where: str) -> None:
    """Check what follows from several keys together."""
    estimator, name = model.estimator, model.estimator.rpartition(".")[2]
    for parameter in [*model.parameters, *model.search]:
        if parameter in _RESERVED:
            raise InputError(f"{where}: {name}'s parameter '{parameter}': {_RESERVED[parameter]}")
    if "n_iter_no_change" in model.parameters and estimator == "sklearn.ensemble.GradientBoostingClassifier":
        raise InputError(f"{where}: {name}'s parameter 'n_iter_no_change': {_RESERVED['validation_fraction']}")
    is_deep = is_network({"estimator": estimator})
    if is_deep:
        _check_network(model, where)
    if model.early_stopping and estimator not in ROUNDS and not is_deep:
        known = ", ".join(sorted(path.rpartition(".")[2] for path in ROUNDS))
        raise InputError(f"{where}: early_stopping: {name} does not learn in rounds; estimators that do: {known}")
    is_ensemble = estimator in ENSEMBLES
    if is_ensemble != bool(model.members):
        raise InputError(
            f"{where}: members: VotingClassifier, StackingClassifier and Fusion need this key; no other estimator may "
            "have it"
        )
    if (estimator == STACKING) != bool(model.final):
        raise InputError(
            f"{where}: final: StackingClassifier needs the model that combines its members; no other estimator may "
            "have this key"
        )
    if is_ensemble:
        _check_ensemble(model, where)


def _check_network(model: Model, where: str) -> None:
    """Check that a network has no keys that concern a table of columns, or that would train it many times."""
    for key, default in (("search", {}), ("calibrate", False), ("scale", "none")):
        if getattr(model, key) != default:
            raise InputError(f"{where}: {key}: a network on frames does not support this; remove the key")
    if model.reduce.pca is not None:
        raise InputError(f"{where}: reduce: a network on frames does not support this; remove the key")


def _check_ensemble(model: Model, where: str) -> None:
    """Check that an ensemble leaves everything that concerns one member to the member's file."""
    for key, default in (("search", {}), ("early_stopping", None), ("calibrate", False), ("scale", "none")):
        if getattr(model, key) != default:
            raise InputError(f"{where}: {key}: set this in the file of each member")
    if model.reduce.pca is not None:
        raise InputError(f"{where}: reduce: set this in the file of each member")
    if model.weights != "none":
        raise InputError(f"{where}: weights: set this in the file of each member")
    _check_votes(model, where)
    unknown = set(model.parameters) - ({"weights"} if model.estimator == VOTING else set())
    if unknown:
        raise InputError(
            f"{where}: parameters: '{sorted(unknown)[0]}' cannot be set; songwise combines the members itself"
        )


def _check_votes(model: Model, where: str) -> None:
    """Check that the weights of votes are one number per member."""
    weights = model.parameters.get("weights")
    if weights is None:
        return
    are_numbers = isinstance(weights, list) and all(isinstance(one, int | float) and one >= 0 for one in weights)
    if not (are_numbers and len(weights) == len(model.members) and sum(weights) > 0):
        raise InputError(
            f"{where}: parameters.weights: {weights!r} is not a list of {len(model.members)} numbers, one per member, "
            "from 0 upwards"
        )
