"""The music in a folder: which files there are, which of them hold audio, and which are the same bytes."""

import os
import re
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path, PurePosixPath

from songwise.datasets.folder import AUDIO_SUFFIXES
from songwise.files import file_digest
from songwise.library.doubts import counted, named
from songwise.library.tags import Tags

_UNREAD = re.compile(
    r"\.(?:wma|ape|aiff?|wv|mpc|mp2|dsf|dff|tta|amr|ra|caf|ac3|dts|spx|au|m4[bp]|midi?|"
    r"mp4|mkv|avi|mov|wmv|m4v|mpe?g|flv)"
)


@dataclass(slots=True)
class MusicFile:
    """A file of music below the folder; text is empty where nothing is known.

    Attributes
    ----------
    path : the file.
    name : its path below the folder, with slashes.
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


def scan(folder: Path, doubts: list[str]) -> Iterator[MusicFile]:
    """The folder's music in an order that no file system changes; the rest is told in `doubts`."""
    left: dict[str, list[str]] = defaultdict(list)
    found = []
    refused = []
    for place, folders, names in os.walk(folder, onerror=lambda error: refused.append(error.filename)):
        below = os.path.relpath(place, folder)
        links = [one for one in folders if Path(place, one).is_symlink()]
        left["links to folders are not followed"] += [_joined(below, one) for one in links]
        hidden = [one for one in folders if one.startswith(".")]
        left["hidden folders are not looked into"] += [_joined(below, one) for one in hidden]
        folders[:] = [one for one in folders if not one.startswith(".")]
        for one in names:
            name, suffix = _joined(below, one), PurePosixPath(one).suffix.lower()
            if _UNREAD.fullmatch(suffix):
                left[f"{suffix} is not read by songwise"].append(name)
            if suffix not in AUDIO_SUFFIXES:
                continue
            reason, size = _refusal(Path(place, one), name, folder)
            if reason:
                left[reason].append(name)
            else:
                found.append(MusicFile(Path(place, one), name, size))
    left["cannot be opened"] += [os.path.relpath(path, folder) for path in refused]
    doubts += [
        f"left out, {reason}: {len(names):,} ({named(sorted(names))})" for reason, names in left.items() if names
    ]
    yield from sorted(found, key=lambda one: one.name)


def _joined(place: str, name: str) -> str:
    return name if place == "." else f"{place}/{name}"


def _refusal(path: Path, name: str, folder: Path) -> tuple[str, int]:
    """Why a file cannot be taken, or an empty text, and its size."""
    if path.name.startswith("."):
        return "hidden", 0
    if any(unicodedata.category(character) == "Cs" for character in name):
        return "names that are not UTF-8; rename them", 0
    if any(unicodedata.category(character) == "Cc" for character in name):
        return "names with control characters; rename them", 0
    if path.is_symlink() and not path.resolve().is_relative_to(folder):
        return "links to what lies outside the folder", 0
    try:
        status = path.stat()
    except OSError:
        return "cannot be opened", 0
    if not stat.S_ISREG(status.st_mode):
        return "no ordinary files", 0
    return ("", status.st_size) if status.st_size else ("empty (0 bytes)", 0)


def readable(files: Sequence[MusicFile], doubts: list[str]) -> list[MusicFile]:
    """Those that hold a kind of audio; what has none cannot be music."""
    left = defaultdict(list)
    for one in files:
        if not one.tags.kind:
            left[one.tags.problem or "no audio by their content"].append(one.name)
    doubts += [f"left out, {reason}: {counted(len(names), 'file')} ({named(names)})" for reason, names in left.items()]
    return [one for one in files if one.tags.kind]


def told_apart(files: Sequence[MusicFile], doubts: list[str]) -> list[MusicFile]:
    """Each file's bytes once; none of those that two classes have."""
    copies, torn = [], []
    for same in _identical(files):
        names = equal_names(same)
        if len({one.label for one in same}) > 1:
            torn.append((names, same))
        else:
            copies.append((names, same[1:]))
    for text, groups in (
        ("left out, the same bytes as another file of the class", copies),
        ("left out, the same bytes in two classes, which cannot both be right", torn),
    ):
        if groups:
            number = counted(sum(len(left) for _, left in groups), "file")
            doubts.append(f"{text}: {number} ({named(names for names, _ in groups)})")
    left = {one.name for _, some in (*copies, *torn) for one in some}
    return [one for one in files if one.name not in left]


def equal_names(same: Sequence[MusicFile]) -> str:
    """'a = b = 1 more': the names of files that are equal."""
    more = f" = {len(same) - 2:,} more" if len(same) > 2 else ""
    return " = ".join(one.name for one in same[:2]) + more


def _identical(files: Sequence[MusicFile]) -> list[list[MusicFile]]:
    found = []
    for _, same_size in groupby(sorted(files, key=lambda one: (one.size, one.name)), key=lambda one: one.size):
        alike = list(same_size)
        if len(alike) > 1:
            by_bytes = defaultdict(list)
            for one in alike:
                with suppress(OSError):  # gone meanwhile, which a run will say
                    by_bytes[file_digest(one.path)].append(one)
            found += [group for group in by_bytes.values() if len(group) > 1]
    return sorted(found, key=lambda group: group[0].name)
