"""The songs of a folder of music: which files are one song, whose they are, and what each track is called."""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from songwise.datasets.patterns import Pattern
from songwise.errors import InputError
from songwise.files import digest
from songwise.library.classes import commonest
from songwise.library.doubts import counted, named
from songwise.library.scan import MusicFile, equal_names
from songwise.library.tags import FORMULA, clean, normal_name, normal_title, title_of_file

_LONGEST_ID = 200  # characters


def name_songs(files: Sequence[MusicFile], pattern: Pattern | None) -> None:
    """Say which files are one song: by `pattern`, else by artist and title, whose versions are one.

    Raises
    ------
    InputError : `pattern` does not match every file.
    """
    if pattern:
        problems = [one.name for one in files if not pattern.find(one.name)]
        if problems:
            raise InputError(
                f"init: --song '{pattern.text}' does not match {counted(len(problems), 'file')}: {named(problems)}"
            )
        for one in files:
            one.song = _cut(f"{one.label}/{clean(pattern.find(one.name))}", _LONGEST_ID)
        return
    unnamed = []
    for one in files:
        artist = normal_name(one.tags.artist) or normal_name(one.tags.albumartist)
        title = normal_title(one.tags.title)
        of_file = title_of_file(PurePosixPath(one.name).stem)
        if artist and (title or of_file[1]):
            one.song = _cut(f"{artist} - {title or of_file[1]}", _LONGEST_ID)
        else:
            unnamed.append((one, title, of_file))
    known = {one.song for one in files}
    for one, title, (artist, of_file) in unnamed:
        song = f"{artist} - {of_file}"
        if title or of_file:
            # Without an artist a title says little beyond its class, unless a tagged file has the same.
            own = title or (f"{artist} {of_file}" if artist else of_file)
            one.song = song if song in known else _cut(f"{one.label}/{own}", _LONGEST_ID)
        else:
            one.song = _cut(f"{one.label}/{one.name}", _LONGEST_ID)


def of_one_class(files: Sequence[MusicFile], doubts: list[str]) -> list[MusicFile]:
    """Without the songs of which two classes have versions."""
    songs = defaultdict(list)
    for one in files:
        songs[one.song].append(one)
    torn, several = [], []
    for same in songs.values():
        if len(same) > 1:
            (torn if len({one.label for one in same}) > 1 else several).append(same)
    for text, groups in (
        ("left out, versions of one song in two classes, which cannot both be right", torn),
        ("taken as versions of one song (--song tells otherwise)", several),
    ):
        if groups:
            number = counted(sum(map(len, groups)), "file")
            groups.sort(key=lambda same: (-len(same), same[0].name))
            examples = (equal_names(same) for same in groups)
            doubts.append(f"{text}: {number} of {counted(len(groups), 'song')} ({named(examples)})")
    left = {one.name for same in torn for one in same}
    return [one for one in files if one.name not in left]


def name_artists(files: Sequence[MusicFile]) -> None:
    """Artist and album as the sheet has them: one spelling of each, since equal text keeps tracks together."""
    artists, _ = commonest([one.tags.artist for one in files] + [one.tags.albumartist for one in files], normal_name)
    albums, _ = commonest([one.tags.album for one in files], normal_name)
    makers = defaultdict(set)
    for one in files:
        makers[normal_name(one.tags.album)].add(normal_name(one.tags.albumartist))
    for one in files:
        key = normal_name(one.tags.artist) or normal_name(one.tags.albumartist)
        one.artist = clean(artists[key]) if key else ""
        album, maker = normal_name(one.tags.album), normal_name(one.tags.albumartist)
        one.album = clean(albums[album]) if album else ""
        if one.album and maker and len(makers[album]) > 1:
            one.album = f"{one.album} ({clean(artists[maker])})"


def name_tracks(files: Sequence[MusicFile]) -> None:
    """Name each track by its path below the folder, cut where that is long, and safe as a cell of a sheet."""
    taken = set()
    for one in files:
        track_id = unicodedata.normalize("NFC", one.name).replace("@", "%40")
        if track_id.startswith(tuple(FORMULA)):
            track_id = f"%{ord(track_id[0]):02X}{track_id[1:]}"
        track_id = _cut(track_id, _LONGEST_ID)
        if track_id in taken:
            track_id = f"{track_id[: _LONGEST_ID - 20]}~{digest(one.name)}"
        taken.add(track_id)
        one.track_id = track_id


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 20]}~{digest(text)}"
