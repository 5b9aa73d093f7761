"""Feature presets: a file in config/features, checked and resolved, and the columns of its tables.

Light (no numpy): this module is imported at every start of Snakemake.
"""

import json
from collections.abc import Iterator

from songwise.errors import InputError, suggestion
from songwise.features.declarations import FAMILIES
from songwise.files import digest

TABLE = "table"  # the only preset of a data set that is itself a table of features
PRESET = {  # resolved: nothing is known about how the numbers were computed
    "name": TABLE,
    "title": "A table's own columns",
    "audio": {"sample_rate": None, "standardise": False},
    "frame": None,
    "columns": None,
    "families": [],
}
_COMMON = ("family", "frame", "pool", "statistics")  # keys that every family has


def resolve(preset: dict, members: dict[str, dict], where: str) -> dict:
    """Return a preset with a list of families in which every option has a value.

    Parameters
    ----------
    preset : dict
        The file's content, with the schema's defaults.
    members : dict of str to dict
        For a union, the content of each of its presets.
    where : str
        The file, for messages.

    Returns
    -------
    dict
        The same keys, with `families` as a list of {prefix, family, frame, pool, statistics, options}, and `columns`.

    Raises
    ------
    InputError
        If something in the file cannot be used.
    """
    if "union" in preset and "families" in preset:
        raise InputError(f"{where}: has both families and union; use exactly one of the two keys")
    if not preset.keys() & {"union", "families", "frames"}:
        raise InputError(f"{where}: has no families or union, and no frames; add one of these keys")
    if "union" in preset:
        families = list(_united(preset, members, where))
    else:
        families = [
            _family(prefix, content or {}, preset["frame"], where)
            for prefix, content in preset.get("families", {}).items()
        ]
    resolved = {key: value for key, value in preset.items() if key != "union"} | {"families": families}
    _check_rates(resolved, where)
    count = len(column_names(resolved))
    if preset.get("columns", count) != count:
        raise InputError(f"{where}: columns: {preset['columns']} is stated, but the families give {count}")
    return resolved | {"columns": count}


def _family(prefix: str, content: dict, frame: dict, where: str) -> dict:
    name = content.get("family", prefix)
    at = f"{where}: families.{prefix}"
    if name not in FAMILIES:
        hint = suggestion(name, list(FAMILIES))
        also = "" if "family" in content else " (to choose the name yourself, add the key 'family')"
        raise InputError(f"{at}: there is no family '{name}'{hint}{also}")
    family = FAMILIES[name]
    allowed = [*family.options, *_COMMON] if family.statistics else [*family.options, "family", "frame"]
    for key in content:
        if key not in allowed:
            raise InputError(f"{at}: {name} has no option '{key}'{suggestion(key, allowed)}")
    options = {key: _option(key, content, default, at) for key, default in family.options.items()}
    if family.statistics and not content.get("statistics"):
        raise InputError(f"{at}: key 'statistics' is missing")
    resolved = {"prefix": prefix, "family": name, "frame": frame | content.get("frame", {}), "options": options}
    resolved |= {"pool": content.get("pool", 1), "statistics": content.get("statistics", [])}
    rows = _rows(resolved)
    if family.most_rows and rows > family.most_rows:
        most = family.most_rows
        raise InputError(f"{at}: {family.rows}: {most} mel bands give at most {most} coefficients, not {rows}")
    if isinstance(resolved["pool"], int) and rows % resolved["pool"]:
        raise InputError(f"{at}: pool: {rows} rows cannot be pooled by {resolved['pool']}")
    return resolved


def _option(key: str, content: dict, default, at: str):
    if not isinstance(default, tuple):
        return content.get(key, default)
    value = content.get(key, default[0])
    if value not in default:
        raise InputError(f"{at}: {key}: '{value}' is not one of {', '.join(map(str, default))}")
    return value


def _united(preset: dict, members: dict[str, dict], where: str) -> Iterator[dict]:
    # Equal families share the name of the first. A different family of that name gets its preset's name in front.
    prefixes: dict[tuple, str] = {}
    taken: dict[str, tuple] = {}
    for member, content in members.items():
        for prefix, raw in content["families"].items():
            family = _family(prefix, raw or {}, preset["frame"], where)
            meaning = _meaning(family)
            if meaning not in prefixes:
                clash = any(name in taken and taken[name] != meaning for name in names_of(family))
                prefixes[meaning] = f"{member}_{prefix}" if clash else prefix
            family["prefix"] = prefixes[meaning]
            taken |= dict.fromkeys(names_of(family), meaning)
            yield family


def _meaning(family: dict) -> tuple:
    # Everything that a family's columns depend on. A nested family's rows do not depend on how many there are.
    declared = FAMILIES[family["family"]]
    options = {key: value for key, value in family["options"].items() if key != declared.rows or not declared.nested}
    return family["family"], str(family["frame"]), str(family["pool"]), str(options)


def _check_rates(preset: dict, where: str) -> None:
    rate = preset["audio"]["sample_rate"]
    for family in preset["families"]:
        name, declared = family["family"], FAMILIES[family["family"]]
        if rate != "native" and rate < declared.lowest_rate:
            raise InputError(f"{where}: audio.sample_rate: {name} needs {declared.lowest_rate} Hz at least, not {rate}")
        if family["frame"]["hop_length"] % declared.hop_multiple:
            raise InputError(
                f"{where}: {name} needs a hop_length that can be halved for each octave: a multiple of "
                f"{declared.hop_multiple}, not {family['frame']['hop_length']}"
            )


def _rows(family: dict) -> int:
    rows = FAMILIES[family["family"]].rows
    if rows == "bins":
        return 1 + family["frame"]["n_fft"] // 2
    return family["options"][rows] if isinstance(rows, str) else rows


def _count(family: dict) -> int:
    if "size" in family:
        return family["size"]
    return 1 if family["pool"] == "all" else _rows(family) // family["pool"]


def parts_of(preset: dict) -> list[dict]:
    """Return what the columns of a resolved preset belong to: its families, or its outputs if it has a network."""
    return preset["outputs"] if "network" in preset else preset["families"]


def names_of(family: dict) -> list[str]:
    """Return the columns of one family, or of one output of a network.

    Parameters
    ----------
    family : dict
        One of `parts_of` a resolved preset.

    Returns
    -------
    list of str
        PREFIX_INDEX_STATISTIC, without an index if there is only one row. The index of a family has two digits at
        least; all indices of an output have the same number of digits.
    """
    prefix = family["prefix"]
    if not family["statistics"]:
        return [prefix]
    count, digits = _count(family), 2
    if "size" in family:
        digits = max(2, len(str(count)))
    rows = [prefix] if count == 1 else [f"{prefix}_{row:0{digits}d}" for row in range(1, count + 1)]
    names = []
    for statistic in family["statistics"]:
        if statistic == "covariance":
            names += [
                f"{prefix}_{row + 1:0{digits}d}_{column + 1:0{digits}d}_covariance"
                for row in range(count)
                for column in range(row, count)
            ]
        else:
            names += [f"{row}_{statistic}" for row in rows]
    return names


def column_names(preset: dict) -> list[str]:
    """Return the columns of a resolved preset, in order."""
    return list(dict.fromkeys(name for part in parts_of(preset) for name in names_of(part)))


def places_of(part: dict, whole: dict) -> list[int] | None:
    """Return the positions of one preset's columns among those of another.

    Families and outputs are compared by what they compute, not by their names. The audio of `part` is ignored.

    Parameters
    ----------
    part : dict
        The resolved preset whose columns to find.
    whole : dict
        The resolved preset in which to find them.

    Returns
    -------
    list of int or None
        None if a column is missing.
    """
    prefixes = {meaning: member["prefix"] for member, meaning in _meanings(whole)}
    places = {name: place for place, name in enumerate(column_names(whole))}
    renamed = [member | {"prefix": prefixes.get(meaning, "")} for member, meaning in _meanings(part)]
    names = column_names(part | {"outputs" if "network" in part else "families": renamed})
    return [places[name] for name in names] if places.keys() >= set(names) else None


def _meanings(preset: dict) -> list[tuple[dict, tuple]]:
    if "network" not in preset:
        return [(family, _meaning(family)) for family in preset["families"]]
    network = json.dumps(network_basis(preset["network"]))
    return [(output, (network, output["output"])) for output in preset["outputs"]]


def network_basis(network: dict) -> dict:
    """Return what the numbers of a network depend on: its weights and how it is fed.

    Parameters
    ----------
    network : dict
        The content of the network's file.

    Returns
    -------
    dict
        Without names, titles, URLs, licence and attribution. Outputs that no preset uses do not count.
    """
    weights = {key: network["weights"].get(key) for key in ("format", "sha256")}
    return {"weights": weights} | {key: network[key] for key in ("front_end", "patch", "input", "layout")}


def preset_key(preset: dict) -> str:
    """Return a short hash of everything that a resolved preset's tables depend on.

    The order of families counts, because the columns have the same order.

    Parameters
    ----------
    preset : dict
        A resolved preset. Its title and its number of columns do not count, and of its network only `network_basis`.

    Returns
    -------
    str
        Hexadecimal digits.
    """
    ignored = {"title", "columns"}
    if "network" in preset:
        preset = preset | {"network": network_basis(preset["network"])}
    return digest([[key, json.dumps(preset[key])] for key in sorted(preset.keys() - ignored)])


def standardised_pairs(presets: dict[str, dict]) -> list[tuple[str, str]]:
    """Return the pairs of presets that differ in audio.standardise only.

    Parameters
    ----------
    presets : dict of str to dict
        Resolved presets by name.

    Returns
    -------
    list of (str, str)
        The preset without standardised audio first, then the one with it.
    """
    contents = {
        name: {key: value for key, value in preset.items() if key not in ("name", "title")}
        | {"audio": preset["audio"] | {"standardise": False}}
        for name, preset in presets.items()
    }
    raw = [name for name, preset in presets.items() if preset["audio"]["standardise"] is False]
    return [(one, other) for one in raw for other in presets if other not in raw and contents[one] == contents[other]]
