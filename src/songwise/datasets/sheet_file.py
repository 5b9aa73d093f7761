"""A track sheet in a CSV file: its rows as tracks, checked."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from songwise.datasets.csv_rows import complete_rows
from songwise.datasets.sheet_columns import check_header, find_invalid, patterns_of
from songwise.datasets.track import SHEET_COLUMNS, Track
from songwise.errors import InputError, raise_all, suggestion
from songwise.files import read_csv
from songwise.schemas.tracks import REQUIRED

_NEEDED = {"http": ("url",), "manifest": ("path", "url"), "youtube": ("url", "query"), "archive": ("path",)}
_PATHS_ARE_IN = {"http": "mirror", "archive": "archive"}  # for sources whose paths come from the sheet's author
_MOST_SUGGESTED = 10  # names of tracks to list in a message, instead of the nearest one


def read_sheet(sheet: Path, source_type: str) -> list[Track]:
    """Read the tracks of a track sheet.

    Parameters
    ----------
    sheet : Path
        The CSV file.
    source_type : str
        Type of the source: http, manifest, youtube or archive. It decides which columns a row needs.

    Returns
    -------
    list of Track
        One track per row, in the order of the rows.

    Raises
    ------
    InputError
        If the file cannot be read, or if its header or a row is invalid.
    """
    header, rows = read_csv(sheet)
    check_header(sheet, header, REQUIRED)
    if not rows:
        raise InputError(f"{sheet}: has no rows")
    patterns = patterns_of(header)
    problems: list[str] = []
    tracks = []
    for number, row in complete_rows(rows, problems):
        problems += find_invalid(number, row, patterns)
        problems += _find_place_problems(number, row, source_type)
        tracks.append(_to_track(row, source_type, sheet.parent))
    raise_all(sheet, problems)
    _check_ids(sheet, tracks)
    return tracks


def add_faults(tracks: list[Track], faults: Mapping[str, str], dataset_path: Path) -> list[Track]:
    """Add the known faults that a data set file lists.

    Parameters
    ----------
    tracks : list of Track
        The tracks of the sheet.
    faults : mapping of str to str
        Fault per track_id.
    dataset_path : Path
        The data set file, for messages.

    Returns
    -------
    list of Track
        The same tracks with their faults.

    Raises
    ------
    InputError
        If there is no track with one of the ids.
    """
    known = {track.track_id for track in tracks}
    unknown = [name for name in faults if name not in known]
    if unknown:
        hint = suggestion(unknown[0], sorted(known)) if len(known) <= _MOST_SUGGESTED else ""
        raise InputError(f"{dataset_path}: source.faults: the track sheet has no track_id '{unknown[0]}'{hint}")
    return [replace(track, fault=faults[track.track_id]) if track.track_id in faults else track for track in tracks]


def _find_place_problems(number: int, row: Mapping[str, str], source_type: str) -> list[str]:
    """Return a message for each problem with the columns that locate the audio."""
    problems = []
    needed = _NEEDED[source_type]
    if not any(row.get(name) for name in needed):
        problems.append(f"row {number}: has no {' or '.join(needed)}, which source type {source_type} needs")
    if source_type in _PATHS_ARE_IN:
        path = PurePosixPath(row.get("path", ""))
        if path.is_absolute() or ".." in path.parts:
            place = _PATHS_ARE_IN[source_type]
            problems.append(f"row {number}: path '{path}' must be relative to the {place} and must not contain '..'")
    return problems


def _to_track(row: Mapping[str, str], source_type: str, folder: Path) -> Track:
    values = {name: row[name] for name in SHEET_COLUMNS if name in row}
    if source_type == "manifest" and values.get("path"):
        values |= {"path": str(folder / values["path"]), "url": ""}
    return Track(**{**values, "song": values.get("song") or values["track_id"]})


def _check_ids(sheet: Path, tracks: list[Track]) -> None:
    numbers = defaultdict(list)
    for number, track in enumerate(tracks, start=2):
        numbers[track.track_id].append(number)
    problems = [
        f"rows {', '.join(map(str, rows))}: track_id '{name}' is used more than once; give each row its own"
        for name, rows in numbers.items()
        if len(rows) > 1
    ]
    raise_all(sheet, problems)
