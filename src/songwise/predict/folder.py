"""A model's folder, such as results/NAME/champion: complete, portable, and checked before anything in it is used."""

import zipfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from songwise.errors import InputError
from songwise.features.resolved import column_names_of, described_preset
from songwise.files import file_digest, read_csv
from songwise.models.bundle import load_bundle
from songwise.models.trained_networks import is_network_bundle
from songwise.predict.card import MAKE_AGAIN, is_of_table, read_card
from songwise.predict.layout import BUNDLE, CARD, NEIGHBOURS, NOVELTY, TRACK_COLUMNS, TRACKS

_LARGEST = 4 << 30  # bytes of a file in the folder


class Contents(NamedTuple):
    """What a model's folder contains.

    Attributes
    ----------
    card : dict
        The model card (`schemas.card.Card`).
    pipeline : classifier
        The fitted model.
    preset : dict
        The resolved preset of its features.
    novelty, neighbours : dict of str to ndarray
        Arrays of `predict.novelty` and `predict.neighbours`.
    tracks : list of dict
        The data set's songs, in the order of the neighbours' vectors: TRACK_COLUMNS.
    """

    card: dict
    pipeline: object
    preset: dict
    novelty: dict[str, np.ndarray]
    neighbours: dict[str, np.ndarray]
    tracks: list[dict[str, str]]


def read_folder(folder: Path) -> Contents:
    """Read a model's folder, without executing anything from its files.

    Parameters
    ----------
    folder : Path
        A model's folder.

    Returns
    -------
    Contents
        Checked, and consistent with each other.

    Raises
    ------
    InputError
        If a file is missing, truncated, tampered with, too large, or does not belong to the others; if the model needs
        a library that is not installed; if it was trained on a table of features instead of audio.
    """
    folder = Path(folder)
    card = read_card(folder)
    _check_files(folder, card["files"])
    pipeline, description = _load(folder, card)
    preset = _preset(folder, description)
    where = folder / BUNDLE / "bundle.json"
    if description.get("labels") != card["classes"]:
        raise InputError(f"{where}: its labels are not the classes of {CARD}; {MAKE_AGAIN}")
    columns = [] if is_network_bundle(folder / BUNDLE) else column_names_of(preset)
    if description.get("columns") != columns:
        raise InputError(f"{where}: its columns are not those of its preset; {MAKE_AGAIN}")
    if list(getattr(pipeline, "classes_", [])) != list(range(len(card["classes"]))):
        raise InputError(f"{folder / BUNDLE}: the model does not have {len(card['classes'])} classes; {MAKE_AGAIN}")
    arrays = [_arrays(folder / name) for name in (NOVELTY, NEIGHBOURS)]
    return Contents(card, pipeline, preset, *arrays, _tracks(folder / TRACKS))


def _check_files(folder: Path, files: Mapping[str, str]) -> None:
    needed = {NOVELTY, NEIGHBOURS, TRACKS, f"{BUNDLE}/bundle.json"}
    if missing := sorted(needed - files.keys()):
        raise InputError(f"{folder / CARD}: files: {missing[0]} is not listed; {MAKE_AGAIN}")
    for name, checksum in files.items():
        path = folder / PurePosixPath(name)
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
                raise InputError(f"{path}: is missing or is not an ordinary file; {MAKE_AGAIN}")
            found = file_digest(path)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        if found != checksum:
            raise InputError(f"{path}: is truncated or was changed after it was written; {MAKE_AGAIN}")


def _load(folder: Path, card: Mapping) -> tuple[object, dict]:
    try:
        return load_bundle(folder / BUNDLE)
    except InputError as error:
        differing = _differing_versions(card["versions"])
        hint = f" (trained with {', '.join(differing)})" if differing else ""
        raise InputError(f"{error}{hint}") from None


def _differing_versions(versions: Mapping[str, str]) -> list[str]:
    """Return the libraries that are installed in another version than the one that the model was trained with."""
    differing = []
    for library, trained in versions.items():
        try:
            found = version(library)
        except PackageNotFoundError:
            found = "none"
        if found != trained:
            differing.append(f"{library} {trained}, installed: {found}")
    return differing


def _preset(folder: Path, description: Mapping) -> dict:
    where = folder / BUNDLE / "bundle.json"
    if is_of_table(folder):
        raise InputError(
            f"{folder}: this model was trained on a table of features, so it cannot listen to audio. Train a model on "
            "a data set with audio"
        )
    return described_preset(description, str(where))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _LARGEST:
                raise ValueError("it is too large")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, KeyError, MemoryError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be read ({error}); {MAKE_AGAIN}") from None


def _tracks(path: Path) -> list[dict[str, str]]:
    header, rows = read_csv(path)
    if header != list(TRACK_COLUMNS) or any(None in row or None in row.values() for row in rows):
        raise InputError(f"{path}: does not have the columns {', '.join(TRACK_COLUMNS)}; {MAKE_AGAIN}")
    return rows
