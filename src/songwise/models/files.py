"""Model files: one model's estimator, parameters and presets, checked for what the schema cannot say in words.

Light: it runs at every start of Snakemake.
"""

from pathlib import Path

from songwise.errors import InputError
from songwise.models.rounds import ROUNDS
from songwise.schemas import load_named

_VOTING = "sklearn.ensemble.VotingClassifier"
_STACKING = "sklearn.ensemble.StackingClassifier"
_BY_ROWS = "would hold out clips at random, so that clips of one song stand on both sides; "
# Parameters that a model file must leave alone, and what to say instead.
_NOT_YOURS = {
    "early_stopping": _BY_ROWS + "use the key early_stopping of the file",
    "early_stopping_rounds": "use the key early_stopping of the file",
    "validation_fraction": _BY_ROWS + "use the key early_stopping of the file",
    "oob_score": _BY_ROWS + "leave it out",
    "probability": _BY_ROWS + "use calibrate: true",
    "n_jobs": "songwise gives each fit one thread; leave it out",
    "nthread": "songwise gives each fit one thread; leave it out",
    "random_state": "songwise sets it from the seed of config.yaml; leave it out",
}


def load_model(name: str, root: Path) -> dict:
    """A model by its name in config/models, checked, with an ensemble's members by name and content."""
    where = f"config/models/{name}.yaml"
    model = load_named("model", name, root / "config" / "models", root)
    _check_model(model, where)
    members = {member: member.partition("@")[::2] for member in model["members"]}
    model["members"] = {
        member: _load_part(part, root, f"{where}: members") | ({"preset": preset} if preset else {})
        for member, (part, preset) in members.items()
    }
    if model["final"]:
        model["final"] = _load_part(model["final"], root, f"{where}: final")
    return model


def _load_part(name: str, root: Path, where: str) -> dict:
    content = load_model(name, root)
    if content["members"]:
        raise InputError(f"{where}: {name} is an ensemble itself; name its members instead")
    return {key: value for key, value in content.items() if key != "features"}


def _check_model(model: dict, where: str) -> None:
    """What the schema cannot say of a model file in words."""
    estimator, name = model["estimator"], model["estimator"].rpartition(".")[2]
    is_ensemble = estimator in (_VOTING, _STACKING)
    for parameter in [*model["parameters"], *model["search"]]:
        if parameter in _NOT_YOURS:
            raise InputError(f"{where}: {name}'s parameter '{parameter}': {_NOT_YOURS[parameter]}")
    if "n_iter_no_change" in model["parameters"] and estimator == "sklearn.ensemble.GradientBoostingClassifier":
        raise InputError(f"{where}: {name}'s parameter 'n_iter_no_change': {_NOT_YOURS['validation_fraction']}")
    if model["early_stopping"] and estimator not in ROUNDS:
        known = ", ".join(sorted(path.rpartition(".")[2] for path in ROUNDS))
        raise InputError(f"{where}: early_stopping: {name} does not learn in rounds; those that do: {known}")
    if is_ensemble != bool(model["members"]):
        raise InputError(f"{where}: members: VotingClassifier and StackingClassifier need it, no other estimator may")
    if (estimator == _STACKING) != bool(model["final"]):
        raise InputError(f"{where}: final: StackingClassifier needs the model that joins its members, no other may")
    if not is_ensemble:
        return
    for key in ("search", "reduce", "early_stopping", "calibrate"):
        if model[key]:
            raise InputError(f"{where}: {key}: is a matter of the members, each in its own file")
    for key in ("scale", "weights"):
        if model[key] != "none":
            raise InputError(f"{where}: {key}: is a matter of the members, each in its own file")
    unknown = set(model["parameters"]) - ({"weights"} if estimator == _VOTING else set())
    if unknown:
        raise InputError(
            f"{where}: parameters: '{sorted(unknown)[0]}' cannot be set; songwise joins the members itself"
        )
