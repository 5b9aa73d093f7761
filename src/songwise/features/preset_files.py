"""Preset files: a feature preset of config/features, read and checked."""

from pathlib import Path

from songwise.errors import InputError
from songwise.features.presets import resolve
from songwise.schemas import load_named


def load_preset(name: str, root: Path) -> dict:
    """A feature preset by its name in config/features, checked and with every option said (`presets.resolve`)."""
    folder = root / "config" / "features"
    preset = load_named("preset", name, folder, root)
    union = [] if "families" in preset else preset.get("union", [])
    members = {member: load_named("preset", member, folder, root) for member in union}
    where = f"config/features/{name}.yaml"
    for member, content in members.items():
        if "union" in content:
            raise InputError(f"{where}: union: {member} is a union itself; name its members instead")
    return resolve(preset, members, where)
