"""Resolved presets that come from a file: the description of a model is as untrusted as any other download."""

from collections.abc import Mapping

from pydantic import ValidationError

from songwise.errors import InputError
from songwise.features.embedding_presets import resolve_embedding
from songwise.features.joined import resolve_joined
from songwise.features.presets import column_names, resolve
from songwise.schemas.network import Network
from songwise.schemas.preset import Preset

_MOST_COLUMNS = 100_000
_OWN_KEYS = ("name", "title", "audio", "frame", "frames")
_FAMILY_KEYS = ("family", "frame", "pool", "statistics")


def check_resolved(preset: Mapping, where: str) -> dict:
    """Refuse a resolved preset that no preset file can define.

    Every part is resolved again from what a preset file would have contained, with the limits that hold there.

    Parameters
    ----------
    preset : mapping
        What claims to be a resolved preset.
    where : str
        The file that contains it, for messages.

    Returns
    -------
    dict
        The preset.

    Raises
    ------
    InputError
        If it is not.
    """
    try:
        again = _joined(preset, where) if "join" in preset else _resolve_again(preset, where)
        agrees = len(column_names_of(again)) <= _MOST_COLUMNS and again == dict(preset)
    except (InputError, ValidationError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{where}: its preset cannot be used ({_first_line(error)})") from None
    if not agrees:
        raise InputError(f"{where}: its preset is not one that songwise writes")
    return again


def described_preset(description: Mapping, where: str) -> dict:
    """Return the preset of a model's description, checked, with everything in the order that the model was fitted on.

    Parameters
    ----------
    description : mapping
        Content of a bundle.json, with preset and columns. JSON does not keep the order of the presets that are joined,
        and the columns do.
    where : str
        The file that contains it, for messages.

    Returns
    -------
    dict
        The resolved preset.

    Raises
    ------
    InputError
        If no preset file can define it.
    """
    preset, columns = description.get("preset"), description.get("columns")
    if not isinstance(preset, dict) or not isinstance(columns, list):
        raise InputError(f"{where}: the keys preset and columns are missing")
    if isinstance(preset.get("join"), dict):
        order = dict.fromkeys(str(column).partition(".")[0] for column in columns)
        if order.keys() == preset["join"].keys():
            preset = preset | {"join": {name: preset["join"][name] for name in order}}
    return check_resolved(preset, where)


def column_names_of(preset: Mapping) -> list[str]:
    """Return the columns of a model's input on a resolved preset, joined or not, in order."""
    if "join" not in preset:
        return column_names(preset)
    return [f"{name}.{column}" for name, part in preset["join"].items() for column in column_names(part)]


def _joined(preset: Mapping, where: str) -> dict:
    parts = {name: _resolve_again(part, where) for name, part in preset["join"].items()}
    return resolve_joined({key: value for key, value in preset.items() if key != "join"}, parts, where)


def _resolve_again(preset: Mapping, where: str) -> dict:
    own = {key: preset[key] for key in _OWN_KEYS if key in preset}
    if "network" in preset:
        return _embedding_again(preset, own, where)
    families = []
    for family in preset["families"]:
        content = {key: family[key] for key in _FAMILY_KEYS if family[key] not in ([], None)} | family["options"]
        if not family["statistics"]:
            del content["pool"]
        one = Preset.model_validate({**own, "families": {family["prefix"]: content}})
        families += resolve(one.model_dump(), {}, where)["families"]
    whole = Preset.model_validate(own).model_dump() | {"families": families}
    return whole | {"columns": len(column_names(whole))}


def _embedding_again(preset: Mapping, own: dict, where: str) -> dict:
    network = Network.model_validate(dict(preset["network"]))
    audio = {key: value for key, value in own["audio"].items() if key != "sample_rate"}
    outputs = {output["output"]: output["statistics"] for output in preset["outputs"]}
    content = {key: own[key] for key in ("name", "title") if key in own}
    one = Preset.model_validate({**content, "audio": audio, "network": network.name, "outputs": outputs})
    again = resolve_embedding(one.model_dump(), network.model_dump(), where)
    # Keys that a preset of audio of its own ("union") has and one with a network lacks, or the other way round.
    return {key: again[key] for key in preset if key in again}


def _first_line(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"key {error} is missing"
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error).partition("\n")[0]
