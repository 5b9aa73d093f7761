"""Preset files: a feature preset of config/features, read and checked.

Light: it runs at every start of Snakemake.
"""

from pathlib import Path

from songwise.errors import InputError
from songwise.features.presets import resolve
from songwise.schemas.preset import Preset
from songwise.schemas.read import load_named


def load_preset(name: str, root: Path) -> dict:
    """Return a feature preset with every option of its families filled in.

    Parameters
    ----------
    name : str
        Name of a file in config/features.
    root : Path
        The folder that contains config/.

    Returns
    -------
    dict
        The resolved preset (`songwise.features.presets.resolve`).

    Raises
    ------
    InputError
        If there is no such preset, or if its file is invalid. The message names the file and the key.
    """
    folder = root / "config" / "features"
    preset = load_named(Preset, name, folder, root)
    union = [] if preset.families else preset.union or []
    members = {member: load_named(Preset, member, folder, root) for member in union}
    where = f"config/features/{name}.yaml"
    for member, content in members.items():
        if content.union:
            raise InputError(f"{where}: union: {member} is a union itself; name its members instead")
        if not content.families:
            raise InputError(f"{where}: union: {member} has frames only, and no columns to combine; remove it")
    return resolve(preset.model_dump(), {member: content.model_dump() for member, content in members.items()}, where)
