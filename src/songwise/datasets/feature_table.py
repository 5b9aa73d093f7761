"""Source `table`: features that were computed elsewhere, in a CSV with one row per clip.

It replaces acquire, clips and features. Snakemake reads the names in the table at every start, so this module imports
neither numpy nor pandas.
"""

import math
import os
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from songwise.datasets.csv_rows import complete_rows
from songwise.datasets.patterns import Pattern
from songwise.errors import InputError, raise_all, suggestion
from songwise.files import read_csv

_RESERVED = re.compile(r"[@\x00-\x1f]")  # as in workflow/schemas/tracks.schema.yaml


@dataclass(frozen=True, slots=True)
class TableClip:
    """One row of a feature table.

    Attributes
    ----------
    name : str
        The clip's file name.
    track_id, song, label : str
        The clip's track, song and class.
    numbers : array of float
        Its features, in the order of `FeatureTable.columns`.
    """

    name: str
    track_id: str
    song: str
    label: str
    numbers: array


@dataclass(frozen=True)
class FeatureTable:
    """A feature table whose values have been checked.

    Attributes
    ----------
    columns : list of str
        Names of the features.
    clips : list of TableClip
        One entry per row.
    """

    columns: list[str]
    clips: list[TableClip]

    def track_rows(self) -> list[dict[str, str]]:
        """Return the table as rows of a track sheet.

        Returns
        -------
        list of dict of str to str
            track_id, label and song per track. A track whose clips have two labels has two rows.
        """
        tracks = dict.fromkeys((clip.track_id, clip.label, clip.song) for clip in self.clips)
        return [{"track_id": track, "label": label, "song": song} for track, label, song in tracks]


def read_feature_table(path: Path, source: Mapping, where: object) -> FeatureTable:
    """Read a CSV of features. Every column is a feature, except those that `source` names.

    Parameters
    ----------
    path : Path
        The CSV.
    source : mapping
        The data set file's `source`. `clip` and `label` name the columns of the file name and the class, and `drop`
        the columns that are not features. `song` and `track` are regular expressions that find both in the file name.
    where : object
        The data set file, for messages.

    Returns
    -------
    FeatureTable
        The features and the clips.

    Raises
    ------
    InputError
        If a column is missing, or if a value is invalid. The message names the column and the row.
    """
    song = Pattern(source["song"], key="source.song", where=where)
    track = Pattern(source["track"], key="source.track", where=where) if source.get("track") else song
    if not path.is_file():
        remedy = "copy the file to this path, or choose another data set (--config dataset=NAME)"
        raise InputError(f"{where}: source.table: there is no file {os.path.normpath(path)}; {remedy}")
    header, rows = read_csv(path)
    columns = _feature_columns(path, header, source)
    if not rows:
        raise InputError(f"{path}: has no rows")
    clips, problems = _read_clips(rows, columns, source, song, track)
    counts = Counter(row[source["clip"]] for row in rows)
    repeated = [name for name, count in counts.items() if count > 1]
    problems += [f"{source['clip']} '{name}' is used in more than one row" for name in repeated]
    if len(clips) < len(rows):
        problems += _invalid_columns(rows, columns)
    problems += _tracks_of_two_songs(clips)
    raise_all(path, problems)
    return FeatureTable(columns, clips)


def track_identifier(name: str) -> str:
    """Return a name without @, because a clip_id is the track_id before its last @.

    Parameters
    ----------
    name : str
        Any name.

    Returns
    -------
    str
        The name with %40 for every @.
    """
    return name.replace("@", "%40")


def _read_clips(
    rows: list[dict[str, str]], columns: list[str], source: Mapping, song: Pattern, track: Pattern
) -> tuple[list[TableClip], list[str]]:
    """Return the clips of the valid rows, and a message for each invalid file name, label or row length."""
    clips: list[TableClip] = []
    problems: list[str] = []
    for number, row in complete_rows(rows, problems):
        name, label = row[source["clip"]], row[source["label"]]
        names = {pattern: pattern.find(name) for pattern in (song, track)}
        problems += [
            f"row {number}: '{name}' does not match {pattern.key} '{pattern.text}'"
            for pattern, match in names.items()
            if not match
        ]
        if not label or _RESERVED.search(label):
            rule = "a label must not be empty and must not contain '@' or control characters"
            problems.append(f"row {number}: {source['label']} '{label}' is invalid; {rule}")
        numbers = _numbers([row[column] for column in columns])
        if numbers is not None and not problems:
            clips.append(TableClip(name, track_identifier(names[track]), names[song], label, numbers))
    return clips, problems


def _feature_columns(path: Path, header: list[str], source: Mapping) -> list[str]:
    for key in ("clip", "label"):
        if source[key] not in header:
            hint = suggestion(source[key], header)
            raise InputError(f"{path}: column '{source[key]}' (source.{key}) is missing{hint}")
    for name in source["drop"]:
        if name not in header:
            raise InputError(f"{path}: column '{name}' (source.drop) is missing{suggestion(name, header)}")
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise InputError(f"{path}: two columns have the name '{repeated[0]}'")
    columns = [name for name in header if name not in {source["clip"], source["label"], *source["drop"]}]
    if not columns:
        raise InputError(f"{path}: has no feature column; the header is: {','.join(header)}")
    if "clip_id" in columns:
        raise InputError(f"{path}: a feature must not be called 'clip_id'; rename it, or add it to source.drop")
    return columns


def _numbers(cells: list[str]) -> array | None:
    """Return the cells as numbers. None if one of them is not a finite number."""
    try:
        numbers = array("d", map(float, cells))
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _invalid_columns(rows: list[dict[str, str]], columns: list[str]) -> list[str]:
    """Return a message for each column that has cells without a finite number."""
    faults: dict[str, list[str]] = defaultdict(list)
    for number, row in complete_rows(rows, []):
        if _numbers([row[column] for column in columns]) is None:
            for column, fault in _cell_faults(columns, row):
                faults[column].append(f"row {number}: {fault}")
    remedy = "fix it, or add the column to source.drop if it is not a feature"
    messages = []
    for column, (first, *others) in faults.items():
        more = f" (and {len(others)} more rows)" if others else ""
        messages.append(f"column '{column}', {first}{more}; {remedy}")
    return messages


def _cell_faults(columns: list[str], row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for column in columns:
        try:
            if not math.isfinite(float(row[column])):
                yield column, f"'{row[column]}' is not finite"
        except ValueError:
            yield column, f"'{row[column]}' is not a number" if row[column].strip() else "is empty"


def _tracks_of_two_songs(clips: list[TableClip]) -> list[str]:
    songs: dict[str, str] = {}
    problems = []
    for clip in clips:
        first = songs.setdefault(clip.track_id, clip.song)
        if first != clip.song:
            songs_of_track = f"{first} and {clip.song}"
            problems.append(f"'{clip.name}': source.track finds '{clip.track_id}' in two songs, {songs_of_track}")
    return problems
