"""`songwise clean`: remove what songwise generated for one data set."""

import argparse
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from songwise.commands.columns import format_table
from songwise.commands.project import known_datasets, require_project
from songwise.commands.say import say
from songwise.errors import InputError, suggestion
from songwise.paths import CLIPS, FEATURES, RESULTS, ROWS
from songwise.runtime.lock import active_run, claim
from songwise.tracking.dvc_view import view_places

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # as in `schemas.section.Name`
_VIEW = RESULTS / "_dvc"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def run(arguments: argparse.Namespace) -> None:
    """Remove the results, features, clips and logs of a data set, after a question.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: name, yes.
    """
    require_project()
    name = arguments.name
    places = generated(name)
    if not places:
        known = sorted({path.name for path in RESULTS.glob("*/") if path != _VIEW} | set(known_datasets()))
        hint = "" if name in known else suggestion(name, known)
        raise InputError(f"songwise generated nothing for '{name}'{hint}")
    if running := active_run(Path()):
        raise InputError(f"a run is active in this folder ({running}). Wait for it, or stop it with Ctrl-C")
    print("\n".join(_listed(places)))
    say(f"data/raw/{name}, your own files, config/ and the runs in MLflow stay; snakemake makes the rest again")
    if not arguments.yes and not _is_confirmed():
        say("nothing is removed")
        return
    with claim(Path()):
        for place in places:
            _remove(place)
    say(f"{len(places)} places are removed")


def generated(name: str) -> list[Path]:
    """Return the files and folders that songwise generated for a data set, and that exist.

    Parameters
    ----------
    name : str
        Name of the data set.

    Returns
    -------
    list of Path
        None of them is in data/raw.

    Raises
    ------
    InputError
        If this cannot be the name of a data set.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"'{name}' is not the name of a data set; songwise list shows them")
    folders = (RESULTS, FEATURES, CLIPS, ROWS, Path("logs"), Path("benchmarks/out"))
    places = [*(folder / name for folder in folders), *view_places(_VIEW, name)]
    return [place for place in places if place.is_symlink() or place.exists()]


def _listed(places: Sequence[Path]) -> list[str]:
    sizes = [_size(place) for place in places]
    rows = [[str(place), _format(size)] for place, size in zip(places, sizes, strict=True)]
    return format_table(["generated", "size"], [*rows, ["together", _format(sum(sizes))]], align="<>")


def _size(place: Path) -> int:
    """Return the bytes of a file, or of all files below a folder; a link counts as itself."""
    if place.is_symlink() or place.is_file():
        return place.lstat().st_size
    files = (Path(folder, name) for folder, _, names in os.walk(place) for name in names)
    return sum(file.lstat().st_size for file in files)


def _format(size: float) -> str:
    for unit in _UNITS[:-1]:
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} {_UNITS[-1]}"


def _is_confirmed() -> bool:
    if not sys.stdin.isatty():
        raise InputError("nothing is removed, because nobody can be asked here; add --yes")
    try:
        return input("Remove them? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _remove(place: Path) -> None:
    try:
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()
    except OSError as error:
        raise InputError(f"{error.filename or place} cannot be removed ({error.strerror})") from None
