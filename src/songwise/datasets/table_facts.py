"""A track sheet beside a feature table: artists, albums, folds and roles of its tracks."""

from dataclasses import replace
from pathlib import Path

from songwise.datasets.csv_rows import complete_rows
from songwise.datasets.sheet_columns import check_header, find_invalid, patterns_of
from songwise.datasets.track import COLUMNS_FOR_SPLITS, Track
from songwise.errors import InputError, raise_all
from songwise.files import read_csv

_FACTS = ("artist", *COLUMNS_FOR_SPLITS)


def add_facts(tracks: list[Track], sheet: Path) -> list[Track]:
    """Add what a track sheet gives for each track, by track_id or by song.

    Parameters
    ----------
    tracks : list of Track
        The tracks of a feature table.
    sheet : Path
        A CSV with a column track_id or song, and at least one of artist, album, fold and role.

    Returns
    -------
    list of Track
        The same tracks with the values of the sheet.

    Raises
    ------
    InputError
        If the sheet cannot be read, is invalid, contradicts itself or lacks a row for a track.
    """
    header, rows = read_csv(sheet)
    key = "track_id" if "track_id" in header else "song"
    check_header(sheet, header, [key])
    names = [name for name in _FACTS if name in header]
    if not names:
        raise InputError(f"{sheet}: has none of the columns {', '.join(_FACTS)}; the header is: {','.join(header)}")
    patterns = patterns_of(names)
    problems: list[str] = []
    facts: dict[str, dict[str, str]] = {}
    for number, row in complete_rows(rows, problems):
        problems += find_invalid(number, row, patterns)
        values = {name: row[name] for name in names}
        if facts.setdefault(row[key], values) != values:
            problems.append(f"row {number}: contradicts an earlier row for {key} '{row[key]}'")
    problems += [
        f"has no row for {key} '{name}', which is in the table"
        for name in dict.fromkeys(getattr(track, key) for track in tracks)
        if name not in facts
    ]
    raise_all(sheet, problems)
    return [replace(track, **facts[getattr(track, key)]) for track in tracks]
