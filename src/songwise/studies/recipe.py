"""A published system's figures beside the same models here: under its own protocol, by song, and by artist."""

from collections.abc import Mapping
from pathlib import Path

from songwise.features.presets import TABLE
from songwise.files import read_rows, write_rows

_TRUTHS = {"by_song": "by-song", "by_artist": "by-artist"}
COLUMNS = (
    *("model", "features", "level", "published", "published_what"),
    *("published_here", "published_here_low", "published_here_high"),
    *(f"{truth}{end}" for truth in _TRUTHS for end in ("", "_low", "_high")),
    "note",
)


def compare_recipe(recipe: Mapping, *, leakage_csv: Path, output: Path) -> None:
    """Write recipe.csv: a row for each published figure, then one for each further model that was run.

    Parameters
    ----------
    recipe : config's `recipe`: `protocol` is the one here that is most like the published system's; `published` maps
        MODEL@PRESET, or a name without @ for a system that songwise does not have, to {value, what, level}, where
        level, clip by default, says whether clips or songs were counted.
    leakage_csv : what `evaluate_models` wrote, a row for each model and protocol.
    output : with COLUMNS. A figure that there is none of is empty, and `note` says why.
    """
    figures: dict[tuple[str, str], dict[str, dict]] = {}
    for row in read_rows(leakage_csv):
        figures.setdefault((row["model"], row["features"]), {})[row["protocol"]] = row
    rows = [_row(name, entry, recipe["protocol"], figures) for name, entry in recipe["published"].items()]
    shown = {(row["model"], row["features"]) for row in rows}
    rows += [
        _row("@".join(run), {}, recipe["protocol"], figures) | {"note": "nothing published"}
        for run in figures
        if run not in shown
    ]
    write_rows(output, COLUMNS, rows)


def _row(name: str, entry: Mapping, protocol: str, figures: Mapping) -> dict:
    model, at, preset = name.partition("@")
    # Where the data is a table of features, its columns stand for the preset.
    run = (model, preset) if (model, preset) in figures else (model, TABLE)
    found = figures.get(run, {})
    level = entry.get("level", "clip")
    row = {"model": model, "features": run[1] if found else preset, "level": level}
    row |= {"published": entry.get("value", ""), "published_what": entry.get("what", "")}
    for column, asked in {"published_here": protocol, **_TRUTHS}.items():
        for end in ("", "_low", "_high"):
            row[f"{column}{end}"] = found.get(asked, {}).get(f"{level}_accuracy{end}", "")
    if not at:
        row["note"] = "not in songwise yet"
    elif not found:
        row["note"] = "not among this run's models"
    else:
        row["note"] = ", ".join(f"{asked} was not run" for asked in (protocol, "by-song") if asked not in found)
    return row


def recipe_line(recipe: Mapping | None, results: Path) -> str:
    """A sentence on the best of the published figures that was run here; empty if there is no recipe.

    Parameters
    ----------
    recipe : config's, or None.
    results : results/DATASET, with recipe.csv.
    """
    path = results / "recipe.csv"
    if recipe is None or not path.is_file():
        return ""
    told = [row for row in read_rows(path) if row["published"] and row["published_here"] and row["by_song"]]
    if not told:
        return f"The recipe {recipe['name']}: none of its published models was run; see {path}\n"
    best = max(told, key=lambda row: float(row["published"]))
    published, here, truth = (f"{float(best[name]):.2f}" for name in ("published", "published_here", "by_song"))
    own = "" if recipe["protocol"] == "by-song" else f"{here} here by its own protocol ({recipe['protocol']}), "
    return (
        f"The recipe {recipe['name']}: {best['model']}@{best['features']}, {best['level']}s: {published} published, "
        f"{own}{truth} here by song; all of it: {path}\n"
    )
