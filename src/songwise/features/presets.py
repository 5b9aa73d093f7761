"""Feature presets: what a file in config/features asks for, checked and spelled out, and the columns that it gives.

Light (no numpy), since it runs at every start of Snakemake.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from songwise.errors import InputError, suggestion
from songwise.files import digest

_MEL_BANDS = 128  # librosa's default, of which cepstral coefficients are made
_PARTS = ("whole", "harmonic", "percussive")


@dataclass(frozen=True)
class Family:
    """What may be said of a family in a preset.

    Attributes
    ----------
    rows : numbers a frame, or the option that says how many.
    options : name to default; a tuple lists what is allowed, the default first.
    statistics : whether its rows are summarised; else the family is one number a clip.
    lowest_rate : Hz below which it is not defined.
    """

    rows: int | str
    options: dict = field(default_factory=dict)
    statistics: bool = True
    lowest_rate: int = 0


_CQT = {"bins_per_octave": (36, 12, 24, 48, 60)}
_CQT_HOP = 64  # halved six times in seven octaves
_CQT_RATE = 9_000  # above twice the upper end of the highest filter, however the music is tuned
FAMILIES = {
    "mfcc": Family("n", {"n": 20, "part": _PARTS}),
    "mfcc_delta": Family("n", {"n": 20, "part": _PARTS}),
    "mfcc_delta2": Family("n", {"n": 20, "part": _PARTS}),
    "mel": Family("n", {"n": 128, "part": _PARTS}),
    "chroma_stft": Family(12, {"power": (2, 1)}),
    "chroma_cqt": Family(12, _CQT, lowest_rate=_CQT_RATE),
    "chroma_cens": Family(12, _CQT, lowest_rate=_CQT_RATE),
    "tonnetz": Family(6, {"chroma": ("cqt", "cens"), **_CQT}, lowest_rate=_CQT_RATE),
    "spectral_centroid": Family(1),
    "spectral_bandwidth": Family(1),
    "spectral_contrast": Family(7, lowest_rate=12_801),
    "spectral_flatness": Family(1),
    "spectral_rolloff": Family(1),
    "poly_features": Family(2),
    "zero_crossing_rate": Family(1),
    "rms": Family(1, {"source": ("samples", "spectrum")}),
    "harmonic_waveform": Family(1),
    "percussive_waveform": Family(1),
    "harmonic_spectrum": Family("bins"),
    "percussive_spectrum": Family("bins"),
    "onset_strength": Family(1, {"aggregate": ("mean", "median")}),
    "tempo": Family(1, {"aggregate": ("mean", "median")}, statistics=False),
}
_COMMON = ("family", "frame", "pool", "statistics")


def resolve(preset: dict, members: dict[str, dict], where: str) -> dict:
    """A preset with its families as a list in which every option is said.

    Parameters
    ----------
    preset : the file's content, with the schema's defaults.
    members : for a union, its presets' names to their contents.
    where : the file, for messages.

    Returns
    -------
    The same keys, with `families` a list of {prefix, family, frame, pool, statistics, options}.

    Raises
    ------
    InputError : naming the file and what in it cannot be used.
    """
    if ("union" in preset) == ("families" in preset):
        both = "holds both families and union" if "union" in preset else "holds no families or union"
        raise InputError(f"{where}: {both}; one of them says what the columns are")
    if "union" in preset:
        families = list(_united(preset, members, where))
    else:
        families = [
            _family(prefix, content or {}, preset["frame"], where) for prefix, content in preset["families"].items()
        ]
    resolved = {key: value for key, value in preset.items() if key != "union"} | {"families": families}
    _check_rates(resolved, where)
    count = len(column_names(resolved))
    if preset.get("columns", count) != count:
        raise InputError(f"{where}: columns: {preset['columns']} are promised, but the families give {count}")
    return resolved | {"columns": count}


def _family(prefix: str, content: dict, frame: dict, where: str) -> dict:
    name = content.get("family", prefix)
    at = f"{where}: families.{prefix}"
    if name not in FAMILIES:
        hint = suggestion(name, list(FAMILIES))
        also = "" if "family" in content else " (a name of your own needs the key 'family')"
        raise InputError(f"{at}: there is no family '{name}'{hint}{also}")
    family = FAMILIES[name]
    allowed = [*family.options, *_COMMON] if family.statistics else [*family.options, "family", "frame"]
    for key in content:
        if key not in allowed:
            raise InputError(f"{at}: {name} has no option '{key}'{suggestion(key, allowed)}")
    options = {key: _option(key, content, default, at) for key, default in family.options.items()}
    if family.statistics and not content.get("statistics"):
        raise InputError(f"{at}: key 'statistics' is missing")
    found = {"prefix": prefix, "family": name, "frame": frame | content.get("frame", {}), "options": options}
    found |= {"pool": content.get("pool", 1), "statistics": content.get("statistics", [])}
    rows = _rows(found)
    if name.startswith("mfcc") and rows > _MEL_BANDS:
        raise InputError(f"{at}: n: of {_MEL_BANDS} mel bands there are no {rows} coefficients")
    if isinstance(found["pool"], int) and rows % found["pool"]:
        raise InputError(f"{at}: pool: {rows} rows cannot be pooled by {found['pool']}")
    return found


def _option(key: str, content: dict, default, at: str):
    if not isinstance(default, tuple):
        return content.get(key, default)
    value = content.get(key, default[0])
    if value not in default:
        raise InputError(f"{at}: {key}: '{value}' is not one of {', '.join(map(str, default))}")
    return value


def _united(preset: dict, members: dict[str, dict], where: str) -> Iterator[dict]:
    # The same thing stands under the name that it got first; another thing of that name gets its preset's in front.
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
    # A coefficient is the same however many others are asked for; a mel band is not.
    options = {key: value for key, value in family["options"].items() if key != "n" or family["family"] == "mel"}
    return family["family"], str(family["frame"]), str(family["pool"]), str(options)


def _check_rates(preset: dict, where: str) -> None:
    rate = preset["audio"]["sample_rate"]
    for family in preset["families"]:
        name, lowest = family["family"], FAMILIES[family["family"]].lowest_rate
        if rate != "native" and rate < lowest:
            raise InputError(f"{where}: audio.sample_rate: {name} needs {lowest} Hz at least, not {rate}")
        if "bins_per_octave" in family["options"] and family["frame"]["hop_length"] % _CQT_HOP:
            raise InputError(
                f"{where}: {name} needs a hop_length that can be halved for each octave: a multiple of {_CQT_HOP}, "
                f"not {family['frame']['hop_length']}"
            )


def _rows(family: dict) -> int:
    rows = FAMILIES[family["family"]].rows
    if rows == "bins":
        return 1 + family["frame"]["n_fft"] // 2
    return family["options"][rows] if isinstance(rows, str) else rows


def names_of(family: dict) -> list[str]:
    """The columns of one of a resolved preset's families: prefix_index_statistic, the index only where rows differ."""
    prefix = family["prefix"]
    if not family["statistics"]:
        return [prefix]
    count = 1 if family["pool"] == "all" else _rows(family) // family["pool"]
    rows = [prefix] if count == 1 else [f"{prefix}_{row:02d}" for row in range(1, count + 1)]
    names = []
    for statistic in family["statistics"]:
        if statistic == "covariance":
            names += [
                f"{prefix}_{row + 1:02d}_{column + 1:02d}_covariance"
                for row in range(count)
                for column in range(row, count)
            ]
        else:
            names += [f"{row}_{statistic}" for row in rows]
    return names


def column_names(preset: dict) -> list[str]:
    """The columns of a resolved preset, in order."""
    return list(dict.fromkeys(name for family in preset["families"] for name in names_of(family)))


def places_of(part: dict, whole: dict) -> list[int] | None:
    """Where the columns of one resolved preset stand among those of another; None if they are not all there.

    A family is known by what it computes, whatever it is called in either; the audio is that of `whole`.
    """
    prefixes = {_meaning(family): family["prefix"] for family in whole["families"]}
    places = {name: place for place, name in enumerate(column_names(whole))}
    names = column_names(
        part | {"families": [family | {"prefix": prefixes.get(_meaning(family), "")} for family in part["families"]]}
    )
    return [places[name] for name in names] if places.keys() >= set(names) else None


def preset_key(preset: dict) -> str:
    """A short hash of what a resolved preset's numbers follow from: its content, but for what only names it.

    The order of families counts, since the columns of its tables have it.
    """
    named = {"title", "columns"}
    return digest([[key, json.dumps(preset[key])] for key in sorted(preset.keys() - named)])


def standardised_pairs(presets: dict[str, dict]) -> list[tuple[str, str]]:
    """Names of resolved presets that say the same but for audio.standardise: without it first, then with it."""
    said = {
        name: {key: value for key, value in preset.items() if key not in ("name", "title")}
        | {"audio": preset["audio"] | {"standardise": False}}
        for name, preset in presets.items()
    }
    raw = [name for name, preset in presets.items() if preset["audio"]["standardise"] is False]
    return [(one, other) for one in raw for other in presets if other not in raw and said[one] == said[other]]


TABLE = "table"  # the one preset that such a data set has


# What `presets.resolve` gives, of numbers whose making is not known.
PRESET = {"name": TABLE, "title": "A table's own columns"}


PRESET |= {"audio": {"sample_rate": None, "standardise": False}, "frame": None, "columns": None, "families": []}
