"""Joined presets: the tables of several presets side by side, for ensembles whose members have presets of their own.

A joined preset has no table of its own. A column of it is named PRESET.COLUMN.

Light (no numpy): this module is imported at every start of Snakemake.
"""

from songwise.errors import InputError
from songwise.features.presets import column_names, places_of, preset_key, standardised_pairs
from songwise.files import digest


def resolve_joined(preset: dict, parts: dict[str, dict], where: str) -> dict:
    """Return a joined preset with its parts.

    Parameters
    ----------
    preset : dict
        The file's keys name, title and columns.
    parts : dict of str to dict
        The resolved presets that it joins, by name.
    where : str
        The file, for messages.

    Returns
    -------
    dict
        The same keys, with `join` as the parts and `columns` as the number of all columns.

    Raises
    ------
    InputError
        If the file states another number of columns.
    """
    count = sum(part["columns"] for part in parts.values())
    if preset.get("columns", count) != count:
        raise InputError(f"{where}: columns: {preset['columns']} is stated, but the joined presets have {count}")
    return preset | {"join": parts, "columns": count}


def table_presets(preset: dict) -> dict[str, dict]:
    """Return the presets with tables of their own that a preset needs: its parts, or itself.

    Parameters
    ----------
    preset : dict
        A resolved preset.

    Returns
    -------
    dict of str to dict
        Resolved presets by name.
    """
    return preset["join"] if "join" in preset else {preset["name"]: preset}


def without_titles(preset: dict) -> dict:
    """Return a preset without its title and those of its parts, which neither features nor models depend on."""
    content = {key: value for key, value in preset.items() if key != "title"}
    if "join" in preset:
        content["join"] = {name: without_titles(part) for name, part in preset["join"].items()}
    return content


def tables_key(preset: dict) -> str:
    """Return a hash of everything that the columns of a preset depend on, joined or not.

    Parameters
    ----------
    preset : dict
        A resolved preset.

    Returns
    -------
    str
        Hexadecimal digits; `preset_key` if the preset is not joined.
    """
    if "join" not in preset:
        return preset_key(preset)
    return digest([preset["name"], [preset_key(part) for part in preset["join"].values()]])


def member_places(member: dict, whole: dict) -> tuple[str, list[int]] | None:
    """Return where the columns of an ensemble's member are among those of the ensemble's preset.

    A part of the member's own name comes first, then one that has the same families, such as the same preset of
    standardised audio.

    Parameters
    ----------
    member : dict
        The resolved preset of the member.
    whole : dict
        The resolved preset of the ensemble, joined or not.

    Returns
    -------
    preset : str
        The part in which the columns are.
    places : list of int
        Their positions among all columns of `whole`.
    None
        If no part has all of them.
    """
    start, found = 0, []
    for name, part in table_presets(whole).items():
        places = places_of(member, part)
        if places is not None:
            found.append((name, [start + place for place in places]))
        start += len(column_names(part))
    return min(found, key=lambda part: part[0] != member["name"]) if found else None


def joined_pairs(presets: dict[str, dict]) -> list[tuple[str, str]]:
    """Return the pairs of presets, joined or not, that differ in audio.standardise only.

    Parameters
    ----------
    presets : dict of str to dict
        Resolved presets by name.

    Returns
    -------
    list of (str, str)
        The preset without standardised audio first, then the one with it.
    """
    parts = {name: part for preset in presets.values() for name, part in table_presets(preset).items()}
    twins = set(standardised_pairs(parts))
    plain = {name: preset for name, preset in presets.items() if "join" not in preset}
    joined = {name: list(preset["join"]) for name, preset in presets.items() if "join" in preset}
    return standardised_pairs(plain) + [
        (one, other)
        for one in joined
        for other in joined
        if len(joined[one]) == len(joined[other])
        and all(pair in twins for pair in zip(joined[one], joined[other], strict=True))
    ]
