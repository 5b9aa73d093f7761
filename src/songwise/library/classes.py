"""The classes of a folder of music: what names them, each file's label, and which of them are too small."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

from songwise.errors import InputError
from songwise.library.doubts import counted, named
from songwise.library.scan import MusicFile
from songwise.library.tags import Tags, clean, normal_name, shown

LABELS = ("folder", "genre", "artist", "album", "albumartist", "composer", "year")
_LONGEST_LABEL = 100  # characters
_LEAST_CLASSES = 2
_MOST_OF = 0.5  # of the files, for which tags must name a usable class
_FOLDERS_OF_ALBUMS = 2  # artist/album


def choose(files: Sequence[MusicFile], wanted: str | None, least: int) -> tuple[str, str, str]:
    """What names a class (one of LABELS), what the classes are (such as genre), and why.

    Parameters
    ----------
    wanted : the one of LABELS that was asked for; without it, what suits the folder.
    least : songs that a run demands of each class.

    Raises
    ------
    InputError : nothing tells classes.
    """
    other = f"--label {'|'.join(LABELS)} chooses otherwise"
    kind = _kind_of_folders(files)
    if wanted:
        return wanted, kind if wanted == "folder" else wanted, f"classes: {wanted}, as asked for"
    base = _base(files)
    if len({_folder_of(one, base) for one in files} - {""}) >= _LEAST_CLASSES:
        deep = sum(len(_below(one, base)) > _FOLDERS_OF_ALBUMS for one in files) > _MOST_OF * len(files)
        if kind != "artist" or not deep:
            return "folder", kind, f"classes: folders ({shown(base or '.')}/*); {other}"
        if _usable(files, "genre", least):
            return "genre", "genre", f"classes: genre tags, since the folders are artists with their albums; {other}"
        return "folder", kind, f"classes: folders, which are artists, since too few files have a genre; {other}"
    for tag in ("genre", "artist"):
        if _usable(files, tag, least):
            return tag, tag, f"classes: {tag} tags, since there is no folder for each class; {other}"
    raise InputError(
        "init: nothing tells classes: no two folders with music lie side by side, and too few files have a genre or "
        f"artist tag for two classes of {least}. Put each class into a folder of its own, tag the files, or say by "
        "--label what names a class"
    )


def _base(files: Sequence[MusicFile]) -> str:
    """The folder, below the one that was given, in which the first folders lie side by side; empty for itself."""
    return os.path.commonpath([f"/{PurePosixPath(one.name).parent}" for one in files]).lstrip("/")


def _below(one: MusicFile, base: str) -> tuple[str, ...]:
    return PurePosixPath(one.name).relative_to(base).parts


def _folder_of(one: MusicFile, base: str) -> str:
    parts = _below(one, base)
    return parts[0] if len(parts) > 1 else ""


def _kind_of_folders(files: Sequence[MusicFile]) -> str:
    """Artist or genre, if most folders are called as most of their files' tag says, else class."""
    base = _base(files)
    for tag in ("artist", "genre"):
        counts = defaultdict(Counter)
        for one in files:
            counts[_folder_of(one, base)][normal_name(_tag(one.tags, tag))] += 1
        same = [folder for folder, found in counts.items() if found.most_common(1)[0][0] == normal_name(folder) != ""]
        if len(same) > _MOST_OF * len(counts):
            return tag
    return "class"


def _tag(tags: Tags, name: str) -> str:
    """A tag as a label: of several genres the first, and nothing that a sheet's label may not hold."""
    text = getattr(tags, name)
    if name == "genre":
        text = re.split(r"[;,/|\0]", text.strip(";,/| \0"))[0]
    return _as_label(text) if normal_name(text) else ""


def _as_label(text: str) -> str:
    return clean(text.replace("/", "-").replace("@", " "))[:_LONGEST_LABEL].strip()


def _usable(files: Sequence[MusicFile], tag: str, least: int) -> bool:
    counts = Counter(_class_key(_tag(one.tags, tag)) for one in files)
    large = [count for key, count in counts.items() if key and count >= least]
    return len(large) >= _LEAST_CLASSES and sum(large) >= _MOST_OF * len(files)


def _class_key(label: str) -> str:
    return normal_name(label).replace(" ", "")


def labelled(files: Sequence[MusicFile], source: str, doubts: list[str]) -> list[MusicFile]:
    """Those that have a class. Spellings of one tag become the commonest of them; folders stay apart."""
    base = _base(files)
    for one in files:
        one.label = _as_label(_folder_of(one, base)) if source == "folder" else _tag(one.tags, source)
    without = [one.name for one in files if not one.label]
    if without:
        lack = "that lie in no folder of a class" if source == "folder" else f"without a usable {source} tag"
        doubts.append(f"left out, {lack}: {counted(len(without), 'file')} ({named(without)})")
    files = [one for one in files if one.label]
    if source != "folder":
        best, others = commonest([one.label for one in files], _class_key)
        if others:
            doubts.append(f"tags that differ by spelling alone are one class: {named(others)}")
        for one in files:
            one.label = best[_class_key(one.label)]
    return files


def commonest(texts: Sequence[str], key: Callable[[str], str]) -> tuple[dict[str, str], list[str]]:
    """For each key its commonest text, and the keys' texts where there are several."""
    counts = defaultdict(Counter)
    for text in texts:
        counts[key(text)][text] += 1
    best = {name: min(found, key=lambda text: (-found[text], text)) for name, found in counts.items()}
    return best, [" / ".join(sorted(found)) for _, found in sorted(counts.items()) if len(found) > 1]


def large_enough(
    files: Sequence[MusicFile], kind: str, least: int, dataset: Mapping, doubts: list[str]
) -> list[MusicFile]:
    """Without the classes that have fewer songs than a run demands.

    Parameters
    ----------
    kind : what the classes are, such as genre.
    least : songs that a run demands of each class.
    dataset : what says how long a track may be, by clip.min_seconds and max_seconds.

    Raises
    ------
    InputError : fewer than two classes are large enough.
    """
    songs = defaultdict(set)
    for one in files:
        seconds = one.tags.seconds
        songs[one.label] |= (
            {one.song}
            if seconds is None or dataset["clip"]["min_seconds"] <= seconds <= dataset["max_seconds"]
            else set()
        )
    small = {label: len(found) for label, found in sorted(songs.items()) if len(found) < least}
    described = named(f"{label} {count}" for label, count in small.items())
    if len(songs) - len(small) < _LEAST_CLASSES:
        raise InputError(
            f"init: fewer than two classes ({kind}) have the {least} songs that a run demands of each"
            + (f"; too small: {described}" if small else "")
            + (f"; large enough: {named(sorted(set(songs) - set(small)))}" if len(small) < len(songs) else "")
            + f". Add music, or choose by --label {'|'.join(LABELS)} what names a class"
            + "".join(f"\n  - {line}" for line in doubts)
        )
    if small:
        text = f"left out, fewer than the {least} good songs that a run demands of a class"
        doubts.append(f"{text}: {counted(len(small), 'class')} ({described})")
    return [one for one in files if one.label not in small]
