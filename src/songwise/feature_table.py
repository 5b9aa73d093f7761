"""Source `table`: features that were computed elsewhere, a CSV with one row a clip.

It takes the place of acquire, clips and features. Light, since Snakemake reads the names in it at every start;
what only the job needs is imported there.
"""

import hashlib
import math
import os
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from songwise.errors import InputError, raise_all, suggestion
from songwise.files import read_csv, replacing, write_rows
from songwise.patterns import Pattern

TABLE = "table"  # the one preset that such a data set has
# What `presets.resolve` gives, of numbers whose making is not known.
PRESET = {"name": TABLE, "title": "A table's own columns"}
PRESET |= {"audio": {"sample_rate": None, "standardise": False}, "frame": None, "columns": None, "families": []}
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
            clips.append(TableClip(name, _identifier(found[track.key]), found[song.key], label, numbers))
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


def _identifier(name: str) -> str:
    return name.replace("@", "%40")  # a clip_id is the track's before its last @


def write_shard(
    table: FeatureTable,
    tracks: list,
    preset: dict,
    *,
    tracks_csv: Path,
    clips_csv: Path,
    fingerprints: Path,
    features: Path,
) -> None:
    """Write what inspect_tracks and extract_features write of audio, with every clip good.

    Parameters
    ----------
    tracks : (`sheet.Track`) those to keep; clips of others are left out.
    preset : for the metadata of `features`.
    tracks_csv, clips_csv : to write; a track's audio_sha256 is that of its numbers, whatever the order of its rows, so
        that a song that stands there under two names is found.
    fingerprints : to write, without any: there is nothing to hear.
    features : Parquet to write: clip_id (TRACK@FILE NAME), then the columns as double.
    """
    import json

    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    from songwise.clips import CLIP_COLUMNS, TRACK_COLUMNS
    from songwise.fingerprints import write_fingerprints

    clips_of: dict[str, list[TableClip]] = {track.track_id: [] for track in tracks}
    for clip in table.clips:
        if clip.track_id in clips_of:
            clips_of[clip.track_id].append(clip)
    track_rows = []
    for track in tracks:
        heard = hashlib.sha256(b"".join(sorted(clip.numbers.tobytes() for clip in clips_of[track.track_id])))
        row = {name: getattr(track, name, "") for name in TRACK_COLUMNS}
        digest = heard.hexdigest()
        track_rows.append(row | {"status": "ok", "seconds": "", "sha256": digest, "audio_sha256": digest})
    kept = [clip for clips in clips_of.values() for clip in clips]
    clip_ids = [f"{clip.track_id}@{_identifier(clip.name)}" for clip in kept]
    write_rows(tracks_csv, TRACK_COLUMNS, track_rows)
    write_rows(
        clips_csv,
        CLIP_COLUMNS,
        [
            {"clip_id": clip_id, "track_id": clip.track_id, "status": "ok"}
            for clip_id, clip in zip(clip_ids, kept, strict=True)
        ],
    )
    write_fingerprints(fingerprints, {})
    numbers = np.array([clip.numbers for clip in kept])
    fields = [pa.field("clip_id", pa.string()), *(pa.field(name, pa.float64()) for name in table.columns)]
    schema = pa.schema(fields, metadata={"songwise.preset": json.dumps(preset, sort_keys=True)})
    content = pa.table([pa.array(clip_ids), *(pa.array(column) for column in numbers.T)], schema=schema)
    with replacing(features) as temporary:
        parquet.write_table(content, temporary)
