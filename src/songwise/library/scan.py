"""The music in a folder: which files there are, which of them are audio, and which are identical."""

import os
import re
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path, PurePosixPath

from songwise.datasets.folder import AUDIO_SUFFIXES
from songwise.files import file_digest
from songwise.library.tag_reader import Tags
from songwise.library.wording import format_count, format_examples

_UNSUPPORTED = re.compile(
    r"\.(?:wma|ape|aiff?|wv|mpc|mp2|dsf|dff|tta|amr|ra|caf|ac3|dts|spx|au|m4[bp]|midi?|"
    r"mp4|mkv|avi|mov|wmv|m4v|mpe?g|flv)"
)


@dataclass(slots=True)
class MusicFile:
    """A music file in the folder; the steps of `songwise init` fill in what is known of it. Unknown text is empty.

    Attributes
    ----------
    path : Path
        The file.
    name : str
        Its path below the folder, with slashes.
    size : int
        Bytes.
    tags : Tags
        What the file states about itself.
    label, song, artist, album, track_id : str
        Its columns of the track sheet.
    """

    path: Path
    name: str
    size: int
    tags: Tags = field(default_factory=Tags)
    label: str = ""
    song: str = ""
    artist: str = ""
    album: str = ""
    track_id: str = ""


def scan_folder(folder: Path) -> tuple[list[MusicFile], list[str]]:
    """Find the music files in a folder.

    Parameters
    ----------
    folder : Path
        Searched with its subfolders.

    Returns
    -------
    files : list of MusicFile
        Sorted by name, so that the order is the same on every file system.
    notes : list of str
        What was left out and why.
    """
    files, left_out, unreadable = [], defaultdict(list), []
    for place, folders, names in os.walk(folder, onerror=lambda error: unreadable.append(error.filename)):
        below = os.path.relpath(place, folder)
        links = [name for name in folders if Path(place, name).is_symlink()]
        left_out["links to folders"] += [_join(below, name) for name in links]
        hidden = [name for name in folders if name.startswith(".")]
        left_out["hidden folders"] += [_join(below, name) for name in hidden]
        folders[:] = [name for name in folders if not name.startswith(".")]
        for own_name in names:
            name, suffix = _join(below, own_name), PurePosixPath(own_name).suffix.lower()
            if _UNSUPPORTED.fullmatch(suffix):
                left_out[f"songwise does not read {suffix}"].append(name)
            if suffix not in AUDIO_SUFFIXES:
                continue
            reason, size = _check(Path(place, own_name), name, folder)
            if reason:
                left_out[reason].append(name)
            else:
                files.append(MusicFile(Path(place, own_name), name, size))
    left_out["cannot be opened"] += [os.path.relpath(path, folder) for path in unreadable]
    notes = [
        f"left out, {reason}: {len(names):,} ({format_examples(sorted(names))})"
        for reason, names in left_out.items()
        if names
    ]
    return sorted(files, key=lambda file: file.name), notes


def _join(place: str, name: str) -> str:
    return name if place == "." else f"{place}/{name}"


def _check(path: Path, name: str, folder: Path) -> tuple[str, int]:
    """Return why a file cannot be used, or an empty text, and its size."""
    if path.name.startswith("."):
        return "hidden files", 0
    if any(unicodedata.category(character) == "Cs" for character in name):
        return "names that are not UTF-8; rename them", 0
    if any(unicodedata.category(character) == "Cc" for character in name):
        return "names with control characters; rename them", 0
    if path.is_symlink() and not path.resolve().is_relative_to(folder):
        return "links to files outside the folder", 0
    try:
        status = path.stat()
    except OSError:
        return "cannot be opened", 0
    if not stat.S_ISREG(status.st_mode):
        return "not regular files", 0
    return ("", status.st_size) if status.st_size else ("empty (0 bytes)", 0)


def keep_audio(files: Sequence[MusicFile]) -> tuple[list[MusicFile], list[str]]:
    """Leave out the files whose content is not audio.

    Parameters
    ----------
    files : sequence of MusicFile
        With tags.

    Returns
    -------
    files : list of MusicFile
        Those that are audio.
    notes : list of str
        What was left out and why.
    """
    left_out = defaultdict(list)
    for file in files:
        if not file.tags.kind:
            left_out[file.tags.problem or "content is not audio"].append(file.name)
    notes = [
        f"left out, {reason}: {format_count(len(names), 'file')} ({format_examples(names)})"
        for reason, names in left_out.items()
    ]
    return [file for file in files if file.tags.kind], notes


def drop_copies(files: Sequence[MusicFile]) -> tuple[list[MusicFile], list[str]]:
    """Keep one of several identical files, and none if two classes contain them.

    Parameters
    ----------
    files : sequence of MusicFile
        With labels.

    Returns
    -------
    files : list of MusicFile
        No two of them have the same content.
    notes : list of str
        What was left out and why.
    """
    copies, conflicts = [], []
    for group in _identical(files):
        names = format_equal(group)
        if len({file.label for file in group}) > 1:
            conflicts.append((names, group))
        else:
            copies.append((names, group[1:]))
    notes = []
    for text, groups in (
        ("left out, identical to another file of the same class", copies),
        ("left out, identical files in two classes, of which only one can be right", conflicts),
    ):
        if groups:
            count = format_count(sum(len(dropped) for _, dropped in groups), "file")
            notes.append(f"{text}: {count} ({format_examples(names for names, _ in groups)})")
    dropped_names = {file.name for _, dropped in (*copies, *conflicts) for file in dropped}
    return [file for file in files if file.name not in dropped_names], notes


def format_equal(group: Sequence[MusicFile]) -> str:
    """Return the names of equal files: 'a = b = 1 more'."""
    more = f" = {len(group) - 2:,} more" if len(group) > 2 else ""
    return " = ".join(file.name for file in group[:2]) + more


def _identical(files: Sequence[MusicFile]) -> list[list[MusicFile]]:
    groups = []
    for _, same_size in groupby(sorted(files, key=lambda file: (file.size, file.name)), key=lambda file: file.size):
        candidates = list(same_size)
        if len(candidates) > 1:
            by_digest = defaultdict(list)
            for file in candidates:
                with suppress(OSError):  # deleted in the meantime; a run will report it
                    by_digest[file_digest(file.path)].append(file)
            groups += [group for group in by_digest.values() if len(group) > 1]
    return sorted(groups, key=lambda group: group[0].name)
