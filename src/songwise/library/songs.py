"""The songs of a folder of music: which files are one song, who made them, and the id of each track."""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from songwise.datasets.patterns import Pattern
from songwise.errors import InputError
from songwise.files import digest
from songwise.library.classes import choose_spellings
from songwise.library.scan import MusicFile, format_equal
from songwise.library.titles import FORMULA, clean_cell, normal_name, normal_title, title_of_file
from songwise.library.wording import format_count, format_examples

_LONGEST_ID = 200  # characters
_HASH_ROOM = 20  # characters at the end of a long id, for the hash that keeps it unique


def name_songs(files: Sequence[MusicFile], pattern: Pattern | None) -> None:
    """Set the song of each file, the same for all versions of a song.

    Parameters
    ----------
    files : sequence of MusicFile
        With tags and labels.
    pattern : Pattern or None
        Finds the song's name in a file's path. Without it, artist and title name the song.

    Raises
    ------
    InputError
        If the pattern does not match every file.
    """
    if pattern:
        _name_by_pattern(files, pattern)
    else:
        _name_by_title(files)


def _name_by_pattern(files: Sequence[MusicFile], pattern: Pattern) -> None:
    names = {file.name: pattern.find(file.name) for file in files}
    unmatched = [name for name, song in names.items() if not song]
    if unmatched:
        count = format_count(len(unmatched), "file")
        raise InputError(f"init: --song '{pattern.text}' does not match {count}: {format_examples(unmatched)}")
    for file in files:
        file.song = _cut(f"{file.label}/{clean_cell(names[file.name])}")


def _name_by_title(files: Sequence[MusicFile]) -> None:
    anonymous = []
    for file in files:
        artist = normal_name(file.tags.artist) or normal_name(file.tags.albumartist)
        tagged_title = normal_title(file.tags.title)
        named_artist, named_title = title_of_file(PurePosixPath(file.name).stem)
        if artist and (tagged_title or named_title):
            file.song = _cut(f"{artist} - {tagged_title or named_title}")
        else:
            anonymous.append((file, tagged_title, named_artist, named_title))
    songs = {file.song for file in files}
    for file, tagged_title, named_artist, named_title in anonymous:
        song = f"{named_artist} - {named_title}"
        if not (tagged_title or named_title):
            file.song = _cut(f"{file.label}/{file.name}")
        elif song in songs:
            file.song = song
        else:
            # A title without a tagged artist identifies a song only within its class.
            own = tagged_title or (f"{named_artist} {named_title}" if named_artist else named_title)
            file.song = _cut(f"{file.label}/{own}")


def drop_conflicting_songs(files: Sequence[MusicFile]) -> tuple[list[MusicFile], list[str]]:
    """Leave out the songs of which two classes have versions.

    Parameters
    ----------
    files : sequence of MusicFile
        With labels and songs.

    Returns
    -------
    files : list of MusicFile
        Each song is in one class.
    notes : list of str
        What was left out, and which files are treated as one song.
    """
    songs = defaultdict(list)
    for file in files:
        songs[file.song].append(file)
    conflicts, versions = [], []
    for group in songs.values():
        if len(group) > 1:
            (conflicts if len({file.label for file in group}) > 1 else versions).append(group)
    notes = []
    for text, groups in (
        ("left out, versions of one song in two classes, of which only one can be right", conflicts),
        ("treated as versions of one song (use --song to change this)", versions),
    ):
        if groups:
            count = f"{format_count(sum(map(len, groups)), 'file')} of {format_count(len(groups), 'song')}"
            groups.sort(key=lambda group: (-len(group), group[0].name))
            notes.append(f"{text}: {count} ({format_examples(format_equal(group) for group in groups)})")
    dropped = {file.name for group in conflicts for file in group}
    return [file for file in files if file.name not in dropped], notes


def name_artists(files: Sequence[MusicFile]) -> None:
    """Set artist and album of each file, in one spelling, because equal text keeps tracks together.

    Parameters
    ----------
    files : sequence of MusicFile
        With tags.
    """
    artists, _ = choose_spellings(
        [file.tags.artist for file in files] + [file.tags.albumartist for file in files], normal_name
    )
    albums, _ = choose_spellings([file.tags.album for file in files], normal_name)
    album_artists = defaultdict(set)
    for file in files:
        album_artists[normal_name(file.tags.album)].add(normal_name(file.tags.albumartist))
    for file in files:
        album, album_artist = normal_name(file.tags.album), normal_name(file.tags.albumartist)
        artist = normal_name(file.tags.artist) or album_artist
        file.artist = clean_cell(artists[artist]) if artist else ""
        file.album = clean_cell(albums[album]) if album else ""
        if file.album and album_artist and len(album_artists[album]) > 1:
            file.album = f"{file.album} ({clean_cell(artists[album_artist])})"


def name_tracks(files: Sequence[MusicFile]) -> None:
    """Set the id of each track: its path below the folder, shortened if it is long, and safe as a cell of a sheet.

    Parameters
    ----------
    files : sequence of MusicFile
        In a fixed order, because ids that are equal after Unicode normalisation get a hash from the second on.
    """
    taken = set()
    for file in files:
        track_id = unicodedata.normalize("NFC", file.name).replace("@", "%40")
        if track_id.startswith(tuple(FORMULA)):
            track_id = f"%{ord(track_id[0]):02X}{track_id[1:]}"
        file.track_id = _distinct(_cut(track_id), file.name, taken)
        taken.add(file.track_id)


def _distinct(track_id: str, name: str, taken: set[str]) -> str:
    # More than once at most if both are long: then the hash in the id may be the one of this name.
    while track_id in taken:
        track_id = f"{track_id[: _LONGEST_ID - _HASH_ROOM]}~{digest(name)}"
        name += "~"
    return track_id


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_ID else f"{text[: _LONGEST_ID - _HASH_ROOM]}~{digest(text)}"
