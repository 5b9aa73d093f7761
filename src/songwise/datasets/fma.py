"""The metadata of FMA (Defferrard et al., FMA: A Dataset for Music Analysis, ISMIR 2017) as a track sheet.

The tables are read from the archive row by row, without unpacking it and without numpy or pandas.
"""

import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from songwise.errors import InputError, raise_all, suggestion
from songwise.files import write_rows
from songwise.text import clean_text

_COLUMNS = ("track_id", "label", "artist", "album", "path", "license", "attribution", "role")
_SUBSETS = ("small", "medium", "large")  # each contains those before it
_ROLES = {"training": "train", "validation": "valid", "test": "test"}
_LARGEST = 1 << 30  # bytes per unpacked table; tracks.csv has 260 MB
_LONGEST = 1 << 24  # characters per cell; some biographies exceed the csv module's default limit
_UNREADABLE = (zipfile.BadZipFile, zlib.error, csv.Error, UnicodeDecodeError, EOFError, RuntimeError, OSError)


class Genre(NamedTuple):
    """A row of genres.csv.

    Attributes
    ----------
    title : str
        The genre's name.
    parent : int
        Number of the genre above it, or 0 for a top genre.
    n_tracks : int
        Number of its tracks in the whole of FMA.
    """

    title: str
    parent: int
    n_tracks: int


def write_sheet(metadata: Path, fma: Mapping, sheet: Path, *, say: Callable[[str], None] = lambda line: None) -> None:
    """Write the track sheet of a subset.

    Parameters
    ----------
    metadata : Path
        fma_metadata.zip.
    fma : mapping
        `subset` (small, medium or large), `label` (top or sub) and optionally `genres`, the top genres to use.
    sheet : Path
        The CSV to write.
    say : callable, optional
        Gets a line on tracks that are left out because they have no single top genre.

    Raises
    ------
    InputError
        If the archive or a table in it is not FMA's, or if FMA does not have one of the genres.
    """
    with _tables(metadata) as archive:
        genres = _genres(archive, metadata)
        wanted = _wanted(fma, genres)
        rows, n_without_genre = [], 0
        for cells in _tracks(archive, metadata):
            if cells["set", "subset"] not in _SUBSETS[: _SUBSETS.index(fma["subset"]) + 1]:
                continue
            if not cells["track", "genre_top"]:
                n_without_genre += 1
            elif name_of(cells["track", "genre_top"]) in wanted:
                rows.append(_row(cells, fma, genres, metadata))
    if not rows:
        raise InputError(f"{metadata}: has no tracks of subset {fma['subset']} in these genres")
    if n_without_genre:
        say(f"FMA {fma['subset']}: {n_without_genre} of its tracks have no single top genre and are left out")
    write_rows(sheet, _COLUMNS, rows)


def name_of(title: str) -> str:
    """Return the label of a genre, in which & replaces a slash, because a slash in a label separates levels.

    Parameters
    ----------
    title : str
        The genre's title, such as "Old-Time / Historic".

    Returns
    -------
    str
        The label, such as "Old-Time & Historic".
    """
    return re.sub(r"\s*/\s*", " & ", clean_text(title))


def _row(cells: Mapping, fma: Mapping, genres: Mapping[int, Genre], metadata: Path) -> dict:
    track_id, split = cells["track_id"], cells["set", "split"]
    problems = []
    if not re.fullmatch(r"[0-9]{1,6}", track_id):
        problems.append(f"'{track_id}' is not a track number")
    if split not in _ROLES:
        problems.append(f"track {track_id} is in the unknown split '{split}' (known: {', '.join(_ROLES)})")
    raise_all(f"{metadata}: tracks.csv", problems)
    top = name_of(cells["track", "genre_top"])
    below = _sub_genre(cells["track", "genres"], top, genres) if fma["label"] == "sub" else ""
    number = f"{int(track_id):06d}"
    artist, album = clean_text(cells["artist", "name"]), clean_text(cells["album", "title"])
    return {
        "track_id": track_id,
        "label": f"{top}/{below}" if below else top,
        # Different artists and albums may have the same name.
        "artist": f"{artist} [{cells['artist', 'id']}]",
        "album": f"{album} [{cells['album', 'id']}]" if album else "",
        "path": f"fma_{fma['subset']}/{number[:3]}/{number}.mp3",
        "license": clean_text(cells["track", "license"]),
        "attribution": f"{clean_text(cells['track', 'title']) or 'untitled'} by {artist}",
        "role": _ROLES[split],
    }


def _sub_genre(own: str, top: str, genres: Mapping[int, Genre]) -> str:
    """Return the deepest of a track's genres below its top genre. The most frequent one if there are several."""
    try:
        numbers = [number for number in json.loads(own) if number in genres]
    except (ValueError, TypeError):
        return ""
    candidates = []
    for number in numbers:
        line = _ancestors(number, genres)
        if len(line) > 1 and name_of(genres[line[-1]].title) == top:
            candidates.append((-len(line), -genres[number].n_tracks, number))
    return name_of(genres[min(candidates)[2]].title) if candidates else ""


def _ancestors(number: int, genres: Mapping[int, Genre]) -> list[int]:
    """Return a genre, its parent and so on up to the top genre."""
    line = [number]
    while genres[line[-1]].parent in genres and genres[line[-1]].parent not in line:
        line.append(genres[line[-1]].parent)
    return line


def _wanted(fma: Mapping, genres: Mapping[int, Genre]) -> set[str]:
    known = sorted(name_of(genre.title) for genre in genres.values() if genre.parent == 0)
    asked = [name_of(name) for name in fma.get("genres", known)]
    raise_all(
        "source.fma.genres",
        [f"FMA has no top genre '{name}'{suggestion(name, known)}" for name in asked if name not in known],
    )
    return set(asked)


def _genres(archive: zipfile.ZipFile, metadata: Path) -> dict[int, Genre]:
    rows = _rows(archive, "genres.csv", metadata)
    header = next(rows, [])
    needed = ("genre_id", "#tracks", "parent", "title")
    _check_header(needed, header, f"{metadata}: genres.csv")
    places = [header.index(name) for name in needed]
    genres = {}
    for row in rows:
        number, n_tracks, parent, title = (row[place] for place in places)
        if not all(re.fullmatch("[0-9]+", text) for text in (number, n_tracks, parent)):
            raise InputError(f"{metadata}: genres.csv: genre '{number}': genre_id, #tracks and parent must be numbers")
        genres[int(number)] = Genre(title, int(parent), int(n_tracks))
    return genres


def _tracks(archive: zipfile.ZipFile, metadata: Path) -> Iterator[dict]:
    """Yield the needed cells of each track, by the two names in the column's header. Its number is in track_id."""
    rows = _rows(archive, "tracks.csv", metadata)
    # Three header rows: the table, the column, and the name of the first column.
    tables, columns, index = (next(rows, []) for _ in range(3))
    header = list(zip(tables, columns, strict=True)) if len(tables) == len(columns) else []
    needed = [("set", "split"), ("set", "subset")]
    needed += [("track", name) for name in ("genre_top", "genres", "title", "license")]
    needed += [("artist", "id"), ("artist", "name"), ("album", "id"), ("album", "title")]
    _check_header(needed, header, f"{metadata}: tracks.csv")
    if index[:1] != ["track_id"]:
        raise InputError(f"{metadata}: tracks.csv: the third row does not begin with track_id; is this FMA's metadata?")
    places = {name: header.index(name) for name in needed}
    for row in rows:
        if len(row) != len(header):
            track = row[0] if row else ""
            raise InputError(f"{metadata}: tracks.csv: track '{track}' has {len(row)} cells instead of {len(header)}")
        yield {"track_id": row[0], **{name: row[place] for name, place in places.items()}}


def _check_header(needed, header, where: str) -> None:
    missing = [name if isinstance(name, str) else ".".join(name) for name in needed if name not in header]
    if missing:
        raise InputError(f"{where}: has no column {missing[0]}; is this FMA's metadata?")


@contextmanager
def _tables(metadata: Path) -> Iterator[zipfile.ZipFile]:
    before = csv.field_size_limit(_LONGEST)
    try:
        with zipfile.ZipFile(metadata) as archive:
            yield archive
    except _UNREADABLE as error:
        raise InputError(f"{metadata}: cannot be read as FMA's metadata ({error})") from error
    finally:
        csv.field_size_limit(before)


def _rows(archive: zipfile.ZipFile, name: str, metadata: Path) -> Iterator[list[str]]:
    member = next((one for one in archive.infolist() if Path(one.filename).name == name), None)
    if member is None:
        raise InputError(f"{metadata}: contains no {name}; is this FMA's metadata?")
    if member.file_size > _LARGEST:
        raise InputError(f"{metadata}: {member.filename} is larger than {_LARGEST >> 20} MiB")
    with archive.open(member) as stream:
        yield from csv.reader(io.TextIOWrapper(stream, encoding="utf-8", newline=""), strict=True)
