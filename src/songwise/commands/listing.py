"""`songwise list`: the data sets, groups, models and presets of a project."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from songwise.commands.columns import format_table
from songwise.commands.project import CONFIG, known_datasets, require_project
from songwise.commands.say import say
from songwise.datasets.dataset import load_dataset
from songwise.datasets.demo import catalogue
from songwise.errors import InputError
from songwise.features.preset_files import load_preset
from songwise.files import read_csv
from songwise.models.files import load_model
from songwise.paths import RESULTS, results_folder
from songwise.report.summary import Share, read_summary
from songwise.schemas.read import read_yaml
from songwise.text import clean_text

_LONGEST = 64  # characters of a title


def run(arguments: argparse.Namespace) -> None:
    """Print one row per data set, group, model or preset.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: kind, json.
    """
    require_project()
    align, rows = _KINDS[arguments.kind]
    listed = rows()
    if arguments.json:
        for row in listed:
            print(json.dumps(row, ensure_ascii=False))
    elif listed:
        cells = [[_cell(key, value) for key, value in row.items()] for row in listed]
        print("\n".join(format_table(list(listed[0]), cells, align=align)))


def _cell(key: str, value: object) -> str:
    if value is None:
        return ""
    if key == "best":
        return Share(value).percent
    if isinstance(value, list):
        return clean_text(" ".join(map(str, value)))
    return clean_text(value, _LONGEST if key == "title" else None)


def _list_datasets() -> list[dict]:
    finished = {path.parent.name for path in RESULTS.glob("*/headline.json")}
    return [_dataset_row(name) for name in sorted({*known_datasets(), *finished})]


def _dataset_row(name: str) -> dict:
    row = dict.fromkeys(("name", "title", "source", "tracks", "state", "best", "date")) | {"name": name}
    if name in known_datasets():
        try:
            dataset, path = load_dataset(name, Path())
        except InputError as error:
            say(str(error).partition("\n")[0])
            return row | {"state": "invalid file"}
        row |= {"title": dataset.get("title", name), "source": dataset["source"]["type"]}
        row |= {"tracks": _count_tracks(dataset, path)}
    return row | _results_row(name)


def _results_row(name: str) -> dict:
    results = results_folder(name)
    if not results.is_dir():
        return {"state": "not run"}
    try:
        found = read_summary(results)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return {"state": "damaged"}
    if not (results / "champion" / "card.json").is_file():
        return {"state": "unfinished"}
    if found is None:
        return {"state": "older version"}
    made = (results / "headline.json").stat().st_mtime
    day = time.strftime("%Y-%m-%d", time.localtime(made))
    return {"title": found.title, "state": "finished", "best": found.accuracy.value, "date": day}


def _count_tracks(dataset: dict, path: Path) -> int | None:
    """Return how many tracks a sheet on this machine has; None if it is elsewhere, or a folder of files."""
    source = dataset["source"]
    if source["type"] == "synthetic":
        return len(catalogue.track_rows(source["recipe"], seed=source["seed"]))
    sheet = path.parent / source.get("tracks", "")
    if source["type"] == "table" or not sheet.is_file():
        return None
    try:
        return len(read_csv(sheet)[1])
    except InputError as error:
        say(str(error))
        return None


def _list_groups() -> list[dict]:
    groups = read_yaml(CONFIG / "model_groups.yaml")
    return [{"name": name, "models": entries} for name, entries in groups.items()]


def _list_models() -> list[dict]:
    return [
        {"name": model["name"], "title": model.get("title"), "presets": model["features"]}
        for model in _load_all(load_model, "models")
    ]


def _list_presets() -> list[dict]:
    return [
        {"name": preset["name"], "title": preset.get("title"), "columns": preset["columns"]}
        for preset in _load_all(load_preset, "features")
    ]


def _load_all(load: Callable[[str, Path], dict], folder: str) -> list[dict]:
    """Return the valid files of a folder of config/, after a line about each of the others."""
    loaded = []
    for path in sorted((CONFIG / folder).glob("*.yaml")):
        try:
            loaded.append(load(path.stem, Path()))
        except InputError as error:
            say(str(error).partition("\n")[0])
    return loaded


_KINDS: dict[str, tuple[str, Callable[[], list[dict]]]] = {
    "datasets": ("<<<><><", _list_datasets),
    "groups": ("<<", _list_groups),
    "models": ("<<<", _list_models),
    "presets": ("<<>", _list_presets),
}
