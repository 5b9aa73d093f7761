"""Source `table`: features that were computed elsewhere, a CSV with one row a clip.

It takes the place of acquire, clips and features. Light, since Snakemake reads the names in it at every start;
what only the job needs is imported there.
"""

import math
import os
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from songwise.datasets.patterns import Pattern
from songwise.errors import InputError, raise_all, suggestion
from songwise.files import read_csv

_RESERVED = re.compile(r"[@\x00-\x1f]")  # as in workflow/schemas/tracks.schema.yaml


@dataclass(frozen=True, slots=True)
class TableClip:
    """One row of a table: which clip it is, and its numbers in the order of `FeatureTable.columns`."""

    name: str
    track_id: str
    song: str
    label: str
    numbers: array


@dataclass(frozen=True)
class FeatureTable:
    """A table of features, checked.

    Attributes
    ----------
    columns : the features' names.
    clips : its rows.
    """

    columns: list[str]
    clips: list[TableClip]

    def track_rows(self) -> list[dict[str, str]]:
        """track_id, label and song of each track; one whose clips have two labels comes twice."""
        found = dict.fromkeys((clip.track_id, clip.label, clip.song) for clip in self.clips)
        return [{"track_id": track, "label": label, "song": song} for track, label, song in found]


def read_feature_table(path: Path, source: Mapping, where: object) -> FeatureTable:
    """A CSV of features, every column of which is a number, but for those that `source` names.

    Parameters
    ----------
    path : the CSV.
    source : the data set file's `source`: `clip` and `label` name the columns of the file name and the class, `drop`
        those that are no features, `song` and `track` are expressions that find both in the file name.
    where : the data set file, for messages.

    Raises
    ------
    InputError : naming the column, and the row, that cannot be used.
    """
    song = Pattern(source["song"], key="source.song", where=where)
    track = Pattern(source["track"], key="source.track", where=where) if source.get("track") else song
    if not path.is_file():
        remedy = "put it there, or name another data set (--config dataset=NAME)"
        raise InputError(f"{where}: source.table: there is no file {os.path.normpath(path)}; {remedy}")
    header, rows = read_csv(path)
    columns = _feature_columns(path, header, source)
    if not rows:
        raise InputError(f"{path}: has no rows")
    clips, problems = [], []
    unusable: dict[str, list[str]] = {}
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            problems.append(f"row {number}: has {'more' if None in row else 'fewer'} cells than the header")
            continue
        name, label = row[source["clip"]], row[source["label"]]
        found = {pattern.key: pattern.find(name) for pattern in (song, track)}
        problems += [
            f"row {number}: '{name}' does not match {pattern.key} '{pattern.text}'"
            for pattern in dict.fromkeys((song, track))
            if not found[pattern.key]
        ]
        if not label or _RESERVED.search(label):
            problems.append(f"row {number}: {source['label']} '{label}' cannot be used as a label")
        numbers = _numbers([row[column] for column in columns])
        if numbers is None:
            for column, fault in _faults(columns, row):
                unusable.setdefault(column, []).append(f"row {number}: {fault}")
        elif not problems:
            clips.append(TableClip(name, track_identifier(found[track.key]), found[song.key], label, numbers))
    twice = [name for name, count in Counter(row[source["clip"]] for row in rows).items() if count > 1]
    problems += [f"{source['clip']} '{name}' stands there more than once" for name in twice]
    problems += [_column_fault(column, faults) for column, faults in unusable.items()]
    songs: dict[str, str] = {}
    for clip in clips:
        first = songs.setdefault(clip.track_id, clip.song)
        if first != clip.song:
            problems.append(
                f"'{clip.name}': source.track finds '{clip.track_id}' in two songs, {first} and {clip.song}"
            )
    raise_all(path, problems)
    return FeatureTable(columns, clips)


def _feature_columns(path: Path, header: list[str], source: Mapping) -> list[str]:
    for key in ("clip", "label"):
        if source[key] not in header:
            hint = suggestion(source[key], header)
            raise InputError(f"{path}: column '{source[key]}' (source.{key}) is missing{hint}")
    for name in source["drop"]:
        if name not in header:
            raise InputError(f"{path}: column '{name}' (source.drop) is missing{suggestion(name, header)}")
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise InputError(f"{path}: two columns have the name '{twice[0]}'")
    columns = [name for name in header if name not in {source["clip"], source["label"], *source["drop"]}]
    if not columns:
        raise InputError(f"{path}: has no feature column; its header is: {','.join(header)}")
    if "clip_id" in columns:
        raise InputError(f"{path}: a feature cannot be called 'clip_id'; rename it, or name it in source.drop")
    return columns


def _numbers(cells: list[str]) -> array | None:
    try:
        numbers = array("d", map(float, cells))
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


def _faults(columns: list[str], row: dict[str, str]) -> Iterator[tuple[str, str]]:
    for column in columns:
        try:
            if not math.isfinite(float(row[column])):
                yield column, f"'{row[column]}' is not finite"
        except ValueError:
            yield column, f"'{row[column]}' is not a number" if row[column].strip() else "is empty"


def _column_fault(column: str, faults: list[str]) -> str:
    more = f" (and {len(faults) - 1} rows more)" if len(faults) > 1 else ""
    return f"column '{column}', {faults[0]}{more}; mend it, or name the column in source.drop if it is no feature"


def track_identifier(name: str) -> str:
    return name.replace("@", "%40")  # a clip_id is the track's before its last @
