"""Playlists in extended M3U, which nearly all players read."""

import math
import os
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from songwise.errors import InputError
from songwise.files import write_text
from songwise.text import clean_text

_NOT_IN_A_LINE = {"Cc", "Cs", "Zl", "Zp"}  # control characters and surrogates, line and paragraph separators


def write_playlist(path: Path, rows: Iterable[Mapping]) -> int:
    """Write a playlist in UTF-8, whole or not at all.

    Titles come from strangers, so they are reduced to one line of visible characters. A file whose path does not fit
    into one line is left out.

    Parameters
    ----------
    path : Path
        The file to write, by custom with the suffix .m3u8. Files are named relative to its folder, so that both can be
        moved together.
    rows : iterable of mapping
        One per file: path, and if known artist, title, track_id (in place of a missing title) and seconds.

    Returns
    -------
    int
        Number of files in the playlist.
    """
    lines = ["#EXTM3U"]
    for row in rows:
        location = _location(Path(row["path"]), Path(path).parent)
        if any(unicodedata.category(mark) in _NOT_IN_A_LINE for mark in location):
            continue
        names = (clean_text(row.get("artist") or ""), clean_text(row.get("title") or row.get("track_id") or ""))
        lines += [f"#EXTINF:{_seconds(row.get('seconds'))},{' - '.join(filter(None, names))}", location]
    write_text(path, "\n".join(lines) + "\n")
    return len(lines) // 2


def write_dataset_playlist(path: Path, rows: Collection[Mapping], dataset: str) -> int:
    """Write a playlist of a data set's files that are on this machine.

    Parameters
    ----------
    path : Path
        The file to write.
    rows : collection of mapping
        As for `write_playlist`.
    dataset : str
        Name of the data set.

    Returns
    -------
    int
        Number of files in the playlist.

    Raises
    ------
    InputError
        If there are no files, or the playlist cannot be written.
    """
    if not rows:
        raise InputError(f"{path}: not written, because the audio of {dataset} is not on this machine")
    try:
        return write_playlist(path, rows)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None


def _location(file: Path, folder: Path) -> str:
    try:
        location = os.path.relpath(file.resolve(), folder.resolve())
    except ValueError:  # another drive of Windows
        return str(file.resolve())
    # A comment begins with "#", and an address has a colon in its first part.
    return f"./{location}" if location[0] == "#" or ":" in Path(location).parts[0] else location


def _seconds(value: object) -> int:
    """Return a length in whole seconds; -1 if it is not known."""
    try:
        seconds = float(str(value))
    except ValueError:
        return -1
    return round(seconds) if math.isfinite(seconds) and seconds > 0 else -1
