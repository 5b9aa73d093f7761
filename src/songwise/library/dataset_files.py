"""The files that make a folder of music a data set: NAME.yaml, NAME.tracks.csv, and copies of the audio."""

import json
import os
import re
import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from songwise.datasets.dataset import load_dataset
from songwise.datasets.sheet import read_tracks
from songwise.errors import InputError
from songwise.files import read_csv, replacing, write_rows
from songwise.library.scan import MusicFile
from songwise.library.titles import FORMULA, clean_cell
from songwise.library.wording import escape
from songwise.runtime.progress import Progress

_COLUMNS = ("track_id", "label", "song", "artist", "album", "path")
_LONGEST_NAME = 100  # characters of a data set's name, if it is derived from the folder's name
_TRACKS_PER_SHARD = 100
_MIN_SHARDS = 8
_CLIP = {"seconds": 10, "hop": 10, "min_seconds": 5}
_FOLDS = 5
DEFAULTS = {"clip": _CLIP, "max_seconds": 1800, "split": {"folds": _FOLDS}}  # keys of a new data set that init uses


@dataclass(frozen=True)
class Target:
    """Where the files of a data set are.

    Attributes
    ----------
    name : str
        Name of the data set.
    folder : Path
        Folder of its two files.
    root : Path
        Folder of the project, with workflow/schemas and config.
    """

    name: str
    folder: Path
    root: Path

    @property
    def yaml(self) -> Path:
        """Return the data set file."""
        return self.folder / f"{self.name}.yaml"

    @property
    def sheet(self) -> Path:
        """Return the track sheet."""
        return self.folder / f"{self.name}.tracks.csv"

    @property
    def is_in_project(self) -> bool:
        """Return whether the data set can be named without its path."""
        return self.folder.resolve() == (self.root / "config" / "datasets").resolve()


def choose_name(name: str | None, folder: Path) -> str:
    """Return the name of the data set.

    Parameters
    ----------
    name : str or None
        The user's choice. None to derive it from the folder's name.
    folder : Path
        Folder of music.

    Returns
    -------
    str
        Letters, digits, - and _.

    Raises
    ------
    InputError
        If the name is invalid, or cannot be derived.
    """
    if name is None:
        ascii_name = unicodedata.normalize("NFKD", folder.name).encode("ascii", "ignore").decode()
        name = re.sub(r"[^A-Za-z0-9]+", "-", ascii_name).strip("-").lower()[:_LONGEST_NAME]
        if not name:
            raise InputError(
                f"init: cannot derive a data set name from the folder '{escape(folder.name)}'; choose one with --name"
            )
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise InputError(
            f"init: --name '{escape(name)}' is invalid; use letters, digits, - and _, and begin with a letter or digit"
        )
    return name


def load_own(target: Target) -> dict | None:
    """Return the existing data set file, or None if there is none or if it is not for this sheet."""
    if not target.yaml.is_file():
        return None
    try:
        dataset, _ = load_dataset(str(target.yaml), target.root)
    except InputError:
        return None
    source = (dataset["source"].get("type"), dataset["source"].get("tracks"))
    return dataset if source == ("manifest", target.sheet.name) and dataset["name"] == target.name else None


def read_old_rows(sheet: Path) -> list[dict[str, str]]:
    """Return the rows of the sheet that is to be replaced; none if it is missing or invalid."""
    with suppress(InputError):
        header, rows = read_csv(sheet)
        if {"track_id", "label", "song"} <= set(header):
            return rows
    return []


def copy_audio(files: Sequence[MusicFile], folder: Path) -> list[Path]:
    """Copy music files, as hard links where the file system allows it.

    Parameters
    ----------
    files : sequence of MusicFile
        Files to copy.
    folder : Path
        Where to, with their subfolders.

    Returns
    -------
    list of Path
        The copies, in the order of `files`.

    Raises
    ------
    InputError
        If a file cannot be copied.
    """
    progress = Progress("copy", len(files), "files")
    copies = [folder / file.name for file in files]
    for file, copy in zip(files, copies, strict=True):
        try:
            if not (copy.exists() and copy.samefile(file.path)):
                with replacing(copy) as temporary:
                    _link_or_copy(file.path.resolve(), temporary)
        except OSError as error:
            raise InputError(f"init: cannot copy {escape(file.name)} to {folder} ({error.strerror})") from error
        progress.step()
    return copies


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another device, or a file system without links
        shutil.copyfile(source, target)


def sheet_rows(files: Sequence[MusicFile], paths: Sequence[Path], target: Target) -> list[dict[str, str]]:
    """Return the rows of the track sheet.

    Parameters
    ----------
    files : sequence of MusicFile
        With all columns set.
    paths : sequence of Path
        Audio of each file. Written relative to the sheet if both are in the project, or if it is below the sheet.
    target : Target
        Where the sheet is.

    Returns
    -------
    list of dict
        One row per file.
    """
    folder, root = target.folder.resolve(), target.root.resolve()
    return [
        {name: getattr(file, name) for name in _COLUMNS if name != "path"} | {"path": _path_cell(path, folder, root)}
        for file, path in zip(files, paths, strict=True)
    ]


def _path_cell(path: Path, folder: Path, root: Path) -> str:
    path = Path.cwd() / path
    both_in_project = path.is_relative_to(root) and folder.is_relative_to(root)
    text = os.path.relpath(path, folder) if both_in_project or path.is_relative_to(folder) else str(path)
    return f"./{text}" if text.startswith(tuple(FORMULA)) else text


def dataset_yaml(name: str, kind: str, folder: Path, tracks: int) -> str:
    """Return the content of a new data set file.

    Parameters
    ----------
    name : str
        Name of the data set.
    kind : str
        What a class is, such as genre.
    folder : Path
        Folder of music; its name is the title.
    tracks : int
        Number of tracks.

    Returns
    -------
    str
        YAML.
    """
    shards = max(_MIN_SHARDS, -(-tracks // _TRACKS_PER_SHARD))
    clip = ", ".join(f"{key}: {value}" for key, value in _CLIP.items())
    return (
        "# Written by `songwise init` from a folder of music. Edit it freely: config/README.md explains every key.\n"
        f"name: {name}\n"
        f"title: {json.dumps(clean_cell(folder.name) or name, ensure_ascii=False)}\n"
        f"label: {kind}\n"
        f"source: {{type: manifest, tracks: {name}.tracks.csv}}\n"
        f"shards: {shards}\n"
        f"clip: {{{clip}}}\n"
        f"split: {{protocol: by-song, folds: {_FOLDS}, repeats: 3}}\n"
    )


def write_dataset(target: Target, rows: Sequence[Mapping], yaml: str | None) -> None:
    """Write the data set file and its sheet: both, or neither if they cannot be loaded.

    Parameters
    ----------
    target : Target
        Where to write.
    rows : sequence of mapping
        Rows of the track sheet.
    yaml : str or None
        Content of the data set file. None to keep the existing one.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    file, sheet = target.yaml, target.sheet
    try:
        with replacing(file) as new_file, replacing(sheet) as new_sheet:
            new_file.write_text(file.read_text(encoding="utf-8") if yaml is None else yaml, encoding="utf-8")
            write_rows(new_sheet, _COLUMNS, rows)
            dataset, _ = load_dataset(str(new_file), target.root)
            source = dataset["source"] | {"tracks": new_sheet.name}
            read_tracks(dataset | {"source": source}, new_file, target.root)
    except OSError as error:
        raise InputError(f"init: cannot write to {escape(str(target.folder))} ({error.strerror})") from error
