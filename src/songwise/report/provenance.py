"""Where a page comes from: data, folds, seed, date, versions, commit, and the command that makes it again."""

import json
import platform
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from songwise.files import read_json
from songwise.paths import champion_folder, model_folder
from songwise.schemas.read import read_yaml

_LIBRARIES = ("songwise", "numpy", "scikit-learn", "xgboost", "librosa", "onnxruntime", "torch")
# Where files are, and how they are fetched and shown: no figure follows from these.
_NOT_FIGURES = ("mirror", "weights", "cookies", "keep_clips", "show_tracks", "dataset", "recipe")


def reproducing_command(settings: Mapping, root: Path) -> str:
    """Return the command that makes the same results.

    Parameters
    ----------
    settings : mapping
        The keys of config, as they were used.
    root : Path
        Folder of config/, with the defaults and the recipes.

    Returns
    -------
    str
        For a shell, with the settings that differ from the defaults, except where files are and how they are fetched.
    """
    words, known = ["snakemake"], read_yaml(root / "config/config.yaml")
    if settings["recipe"]:
        file = root / f"config/recipes/{settings['recipe']['name']}.yaml"
        if file.is_file():
            words += ["--configfile", file.relative_to(root).as_posix()]
            known |= read_yaml(file)
    words += ["--config", f"dataset={settings['dataset']}"]
    changed = [key for key, value in settings.items() if value != known.get(key) and key not in _NOT_FIGURES]
    return shlex.join([*words, *(f"{key}={_yaml(settings[key])}" for key in sorted(changed))])


def _yaml(value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_yaml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def provenance(results: Path, best: str) -> dict:
    """Return what the results depend on besides the command, with the date of the evaluation.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.
    best : str
        The best model, as MODEL@PRESET.

    Returns
    -------
    dict
        `params` of the best model; `date`, of headline.json; `versions` of libraries by name; and `commit`, None
        outside git.
    """
    card = champion_folder(results) / "card.json"
    evaluated = datetime.fromtimestamp((results / "headline.json").stat().st_mtime, UTC)
    return {
        "params": read_json(model_folder(results, best) / "params.json"),
        "date": f"{evaluated:%-d %B %Y, %H:%M} UTC",
        "versions": _versions(),
        "commit": read_json(card).get("git_commit") if card.is_file() else None,
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {"Python": platform.python_version(), **found}
