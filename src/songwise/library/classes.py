"""The classes of a folder of music: what names them, the label of each file, and which classes are too small."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from songwise.errors import InputError
from songwise.library.scan import MusicFile
from songwise.library.tag_reader import Tags
from songwise.library.titles import clean_cell, normal_name
from songwise.library.wording import escape, format_count, format_examples

LABELS = ("folder", "genre", "artist", "album", "albumartist", "composer", "year")
_LONGEST_LABEL = 100  # characters
_MIN_CLASSES = 2
_MAJORITY = 0.5  # share of the files that must have a usable tag before it names the classes
_ALBUM_DEPTH = 2  # artist/album


class Classes(NamedTuple):
    """What names the classes of a folder of music.

    Attributes
    ----------
    source : str
        One of LABELS.
    kind : str
        What a class is, such as genre.
    reason : str
        Line for the user: what was chosen, why, and how to choose something else.
    """

    source: str
    kind: str
    reason: str


def choose_classes(files: Sequence[MusicFile], label: str | None, min_songs: int) -> Classes:
    """Choose what names the classes.

    Parameters
    ----------
    files : sequence of MusicFile
        With tags.
    label : str or None
        One of LABELS, if the user asked for it. None to choose by the folder's structure and tags.
    min_songs : int
        Songs that a run needs per class.

    Returns
    -------
    Classes
        What names the classes, and why.

    Raises
    ------
    InputError
        If neither folders nor tags give two classes.
    """
    kind = _kind_of_folders(files)
    if label:
        return Classes(label, kind if label == "folder" else label, f"classes: {label}, as requested")
    other = f"to choose something else, use --label {'|'.join(LABELS)}"
    base = _base(files)
    if len({_folder_of(file, base) for file in files} - {""}) >= _MIN_CLASSES:
        is_deep = sum(len(_parts(file, base)) > _ALBUM_DEPTH for file in files) > _MAJORITY * len(files)
        if kind != "artist" or not is_deep:
            return Classes("folder", kind, f"classes: one per folder ({escape(base or '.')}/*); {other}")
        if _is_usable(files, "genre", min_songs):
            reason = f"classes: genre tags, because the folders are artists with their albums; {other}"
            return Classes("genre", "genre", reason)
        reason = f"classes: one per folder, each an artist, because too few files have a genre tag; {other}"
        return Classes("folder", kind, reason)
    for tag in ("genre", "artist"):
        if _is_usable(files, tag, min_songs):
            return Classes(tag, tag, f"classes: {tag} tags, because there is no folder per class; {other}")
    raise InputError(
        "init: cannot find the classes: there are no two folders with music side by side, and too few files "
        f"have a genre or artist tag for two classes of {min_songs} songs. Put each class into its own folder, tag the "
        "files, or use --label to choose what names a class"
    )


def _base(files: Sequence[MusicFile]) -> str:
    """Return the deepest folder that contains all files, relative to the given one; empty if they are the same."""
    return os.path.commonpath([f"/{PurePosixPath(file.name).parent}" for file in files]).lstrip("/")


def _parts(file: MusicFile, base: str) -> tuple[str, ...]:
    return PurePosixPath(file.name).relative_to(base).parts


def _folder_of(file: MusicFile, base: str) -> str:
    parts = _parts(file, base)
    return parts[0] if len(parts) > 1 else ""


def _kind_of_folders(files: Sequence[MusicFile]) -> str:
    """Return artist or genre if most folders are named like that tag of most of their files, else class."""
    base = _base(files)
    for tag in ("artist", "genre"):
        counts = defaultdict(Counter)
        for file in files:
            counts[_folder_of(file, base)][normal_name(_tag(file.tags, tag))] += 1
        equal = [folder for folder, names in counts.items() if names.most_common(1)[0][0] == normal_name(folder) != ""]
        if len(equal) > _MAJORITY * len(counts):
            return tag
    return "class"


def _tag(tags: Tags, name: str) -> str:
    """Return a tag as a label: the first of several genres, without the characters that a label must not contain."""
    text = getattr(tags, name)
    if name == "genre":
        text = re.split(r"[;,/|\0]", text.strip(";,/| \0"))[0]
    return _as_label(text) if normal_name(text) else ""


def _as_label(text: str) -> str:
    return clean_cell(text.replace("/", "-").replace("@", " "))[:_LONGEST_LABEL].strip()


def _is_usable(files: Sequence[MusicFile], tag: str, min_songs: int) -> bool:
    counts = Counter(_label_key(_tag(file.tags, tag)) for file in files)
    large = [count for key, count in counts.items() if key and count >= min_songs]
    return len(large) >= _MIN_CLASSES and sum(large) >= _MAJORITY * len(files)


def _label_key(label: str) -> str:
    return normal_name(label).replace(" ", "")


def set_labels(files: Sequence[MusicFile], source: str) -> tuple[list[MusicFile], list[str]]:
    """Set the label of each file.

    Spellings of one tag become one label, the most common of them. Folders keep their names.

    Parameters
    ----------
    files : sequence of MusicFile
        With tags.
    source : str
        One of LABELS.

    Returns
    -------
    files : list of MusicFile
        Those that have a label.
    notes : list of str
        What was left out, and which spellings were united.
    """
    base, notes = _base(files), []
    for file in files:
        file.label = _as_label(_folder_of(file, base)) if source == "folder" else _tag(file.tags, source)
    unlabelled = [file.name for file in files if not file.label]
    if unlabelled:
        reason = "not in the folder of a class" if source == "folder" else f"no usable {source} tag"
        notes.append(f"left out, {reason}: {format_count(len(unlabelled), 'file')} ({format_examples(unlabelled)})")
    files = [file for file in files if file.label]
    if source != "folder":
        spelling, variants = choose_spellings([file.label for file in files], _label_key)
        if variants:
            notes.append(f"tags that differ only in spelling are treated as one class: {format_examples(variants)}")
        for file in files:
            file.label = spelling[_label_key(file.label)]
    return files, notes


def choose_spellings(texts: Sequence[str], key: Callable[[str], str]) -> tuple[dict[str, str], list[str]]:
    """Choose the most common spelling of each name.

    Parameters
    ----------
    texts : sequence of str
        Names.
    key : callable
        Returns the same text for all spellings of a name.

    Returns
    -------
    spellings : dict of str to str
        The most common spelling by key.
    variants : list of str
        'A / B' for each name with several spellings.
    """
    counts = defaultdict(Counter)
    for text in texts:
        counts[key(text)][text] += 1
    spellings = {name: min(own, key=lambda text: (-own[text], text)) for name, own in counts.items()}
    return spellings, [" / ".join(sorted(own)) for _, own in sorted(counts.items()) if len(own) > 1]


def drop_small_classes(
    files: Sequence[MusicFile], kind: str, min_songs: int, limits: Mapping, notes: Sequence[str]
) -> tuple[list[MusicFile], list[str]]:
    """Leave out the classes with fewer songs than a run needs.

    Parameters
    ----------
    files : sequence of MusicFile
        With labels and songs.
    kind : str
        What a class is, such as genre.
    min_songs : int
        Songs that a run needs per class.
    limits : mapping
        How long a track may be: clip.min_seconds and max_seconds.
    notes : sequence of str
        What was noted before; part of the error message.

    Returns
    -------
    files : list of MusicFile
        Those of the classes that are large enough.
    notes : list of str
        What was left out and why.

    Raises
    ------
    InputError
        If fewer than two classes are large enough.
    """
    songs = defaultdict(set)
    for file in files:
        seconds = file.tags.seconds
        is_usable = seconds is None or limits["clip"]["min_seconds"] <= seconds <= limits["max_seconds"]
        songs[file.label] |= {file.song} if is_usable else set()
    small = {label: len(own) for label, own in sorted(songs.items()) if len(own) < min_songs}
    examples = format_examples(f"{label} {count}" for label, count in small.items())
    if len(songs) - len(small) < _MIN_CLASSES:
        raise InputError(
            f"init: fewer than two classes ({kind}) have the {min_songs} songs that a run needs per class"
            + (f"; too small: {examples}" if small else "")
            + (f"; large enough: {format_examples(sorted(set(songs) - set(small)))}" if len(small) < len(songs) else "")
            + f". Add music, or use --label {'|'.join(LABELS)} to choose what names a class"
            + "".join(f"\n  - {line}" for line in notes)
        )
    if not small:
        return list(files), []
    count = format_count(len(small), "class")
    note = f"left out, fewer than the {min_songs} good songs that a run needs per class: {count} ({examples})"
    return [file for file in files if file.label not in small], [note]
