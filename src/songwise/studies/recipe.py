"""Published figures beside the same models here: under the published protocol, by song, and by artist."""

from collections.abc import Mapping
from pathlib import Path

from songwise.features.presets import TABLE
from songwise.files import read_rows, write_rows
from songwise.paths import Run, run_of

_HONEST = {"by_song": "by-song", "by_artist": "by-artist"}
RECIPE_COLUMNS = (
    *("model", "features", "level", "published", "published_what"),
    *("published_here", "published_here_low", "published_here_high"),
    *(f"{column}{end}" for column in _HONEST for end in ("", "_low", "_high")),
    "note",
)


def compare_recipe(recipe: Mapping, *, leakage_csv: Path, output: Path) -> None:
    """Write recipe.csv: one row per published figure, then one per further model that was run.

    Parameters
    ----------
    recipe : mapping
        Key `recipe` of config. `protocol` is the protocol here that is most like the published one. `published` maps
        MODEL@PRESET, or a name without @ for a system that songwise does not have, to {value, what, level}. `level` is
        "clip", the default, or "song": what the published figure counts.
    leakage_csv : Path
        Table of `evaluate_models`, one row per model and protocol.
    output : Path
        CSV to write, with RECIPE_COLUMNS. A missing figure is empty, and `note` says why.
    """
    figures: dict[Run, dict[str, dict]] = {}
    for row in read_rows(leakage_csv):
        figures.setdefault(run_of(row), {})[row["protocol"]] = row
    rows = [_row(name, entry, recipe["protocol"], figures) for name, entry in recipe["published"].items()]
    shown = {(row["model"], row["features"]) for row in rows}
    rows += [
        _row(str(run), {}, recipe["protocol"], figures) | {"note": "nothing published"}
        for run in figures
        if (run.model, run.preset) not in shown
    ]
    write_rows(output, RECIPE_COLUMNS, rows)


def _row(name: str, entry: Mapping, protocol: str, figures: Mapping[Run, Mapping]) -> dict:
    run = Run.parse(name)
    # If the data is a table of features, its columns replace the preset's.
    tested = run if run in figures else Run(run.model, TABLE)
    by_protocol = figures.get(tested, {})
    level = entry.get("level", "clip")
    row = {"model": run.model, "features": tested.preset if by_protocol else run.preset, "level": level}
    row |= {"published": entry.get("value", ""), "published_what": entry.get("what", "")}
    for column, wanted in {"published_here": protocol, **_HONEST}.items():
        for end in ("", "_low", "_high"):
            row[f"{column}{end}"] = by_protocol.get(wanted, {}).get(f"{level}_accuracy{end}", "")
    if not run.preset:
        row["note"] = "not in songwise"
    elif not by_protocol:
        row["note"] = "not among this run's models"
    else:
        row["note"] = ", ".join(
            f"{wanted} was not run" for wanted in (protocol, "by-song") if wanted not in by_protocol
        )
    return row
