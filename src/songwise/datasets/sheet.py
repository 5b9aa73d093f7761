"""Track sheets: which audio there is, what it is called, and which rows are one song."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from songwise.datasets.dataset import load_dataset
from songwise.datasets.demo import catalogue
from songwise.datasets.feature_table import read_feature_table
from songwise.datasets.folder import scan_folder
from songwise.datasets.metadata import prepared_lists, prepared_sheet
from songwise.datasets.published_split import assign_roles, read_lists
from songwise.datasets.shards import deal
from songwise.datasets.track import SHEET_COLUMNS, Track
from songwise.errors import InputError, raise_all, suggestion
from songwise.files import read_csv
from songwise.schemas.tracks import PATTERNS, REQUIRED

_SHOWN = 10  # rows named in one message
# What of a track each source needs one of, and where its paths lie, which nothing may leave.
_NEEDED = {"http": ("url",), "manifest": ("path", "url"), "youtube": ("url", "query"), "archive": ("path",)}
_BELOW = {"http": "mirror", "archive": "archive"}


_FACTS = ("artist", "album", "fold", "role")  # what a sheet may add to a table of features


def load_tracks(name_or_path: str, root: Path = Path()) -> tuple[dict, list[Track]]:
    """A data set file's content and its tracks, by name or path; InputError where they cannot be used."""
    dataset, path = load_dataset(name_or_path, root)
    return dataset, read_tracks(dataset, path, root)


def load_shard(
    name_or_path: str, shard: int, root: Path = Path(), clip: dict | None = None
) -> tuple[dict, list[Track]]:
    """A data set file's content, with config's `clip` in it, and the tracks of one of its shards."""
    dataset, path = load_dataset(name_or_path, root, clip)
    return dataset, deal(read_tracks(dataset, path, root), dataset["shards"])[shard]


def read_tracks(
    dataset: dict, dataset_path: Path, root: Path, say: Callable[[str], None] = lambda line: None
) -> list[Track]:
    """The tracks of a data set, checked.

    Parameters
    ----------
    dataset : the data set file's content (`config.load_dataset`).
    dataset_path : that file; its paths are relative to its folder.
    root : the folder that holds workflow/schemas/.
    say : is given the lines that a person should read: what the lists of a published split leave out.

    Raises
    ------
    InputError : naming the sheet's rows, or the folder, that cannot be used.
    """
    source = dataset["source"]
    here = dataset_path.parent
    if source["type"] == "synthetic":
        rows = catalogue.track_rows(source["recipe"], seed=source["seed"])
        tracks = [Track(**row) for row in rows]
        where = str(dataset_path)
    elif source["type"] == "folder":
        where = str(here / source["folder"])
        tracks = scan_folder(here / source["folder"], source.get("song"), dataset_path)
    elif source["type"] == "table":
        where = str(here / source["table"])
        rows = read_feature_table(here / source["table"], source, dataset_path).track_rows()
        tracks = [Track(**row) for row in rows]
        if "tracks" in source:
            tracks = _with_facts(tracks, here / source["tracks"])
    else:
        sheet = prepared_sheet(dataset, root) if "fma" in source else here / source["tracks"]
        where = str(sheet)
        tracks = _read_sheet(sheet, source["type"])
        faults = source.get("faults", {})
        if "fma" in source:  # a fault may be of a track that a choice of genres leaves out
            faults = {track.track_id: faults[track.track_id] for track in tracks if track.track_id in faults}
        tracks = _with_faults(tracks, faults, dataset_path)
    if "lists" in source:
        tracks = assign_roles(tracks, read_lists(prepared_lists(dataset, here, root)), where, say)
    _check_songs(tracks, where)
    return tracks


def _read_sheet(sheet: Path, source_type: str) -> list[Track]:
    header, rows = read_csv(sheet)
    _check_header(sheet, header, REQUIRED)
    if not rows:
        raise InputError(f"{sheet}: has no rows")
    patterns = {name: re.compile(PATTERNS[name]) for name in header if name in PATTERNS}
    problems = []
    tracks = []
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            problems.append(f"row {number}: has {'more' if None in row else 'fewer'} cells than the header")
            continue
        for name, pattern in patterns.items():
            if not pattern.search(row[name]):
                problems.append(f"row {number}: {name} '{row[name]}' cannot be used (it must match {pattern.pattern})")
        needed = _NEEDED[source_type]
        if not any(row.get(name) for name in needed):
            problems.append(f"row {number}: has no {' or '.join(needed)}, which source type {source_type} needs")
        values = {name: row[name] for name in SHEET_COLUMNS if name in row}
        path = PurePosixPath(values.get("path", ""))
        if source_type in _BELOW and (path.is_absolute() or ".." in path.parts):
            place = _BELOW[source_type]
            problems.append(f"row {number}: path '{path}' must stay below the {place} (relative, without '..')")
        if source_type == "manifest" and values.get("path"):
            values |= {"path": str(sheet.parent / values["path"]), "url": ""}
        tracks.append(Track(**{**values, "song": values.get("song") or values["track_id"]}))
    raise_all(sheet, problems)
    counts = Counter(track.track_id for track in tracks)
    twice = [name for name, count in counts.items() if count > 1]
    problems = [
        f"rows {', '.join(str(i) for i, t in enumerate(tracks, start=2) if t.track_id == name)}: "
        f"track_id '{name}' stands there more than once; give each row its own"
        for name in twice[:_SHOWN]
    ]
    raise_all(sheet, problems)
    return tracks


def _with_faults(tracks: list[Track], faults: Mapping[str, str], dataset_path: Path) -> list[Track]:
    """Tracks with what the data set's file knows to be wrong with them."""
    known = {track.track_id for track in tracks}
    unknown = [name for name in faults if name not in known]
    if unknown:
        near = suggestion(unknown[0], sorted(known)) if len(known) <= _SHOWN else ""
        raise InputError(f"{dataset_path}: source.faults: the track sheet has no track_id '{unknown[0]}'{near}")
    return [replace(track, fault=faults[track.track_id]) if track.track_id in faults else track for track in tracks]


def _check_header(sheet: Path, header: list[str], required: list[str]) -> None:
    missing = [name for name in required if name not in header]
    if missing:
        raise InputError(f"{sheet}: column '{missing[0]}' is missing; its header is: {','.join(header) or '(empty)'}")
    if len(set(header)) < len(header):
        raise InputError(f"{sheet}: two columns have the same name; its header is: {','.join(header)}")
    for name in header:
        near = suggestion(name, [other for other in PATTERNS if other not in header])
        if name not in PATTERNS and "did you mean" in near:
            raise InputError(f"{sheet}: unknown column '{name}'{near} Rename the column if it is your own.")


def _with_facts(tracks: list[Track], sheet: Path) -> list[Track]:
    """Tracks of a table with what a sheet says of each, by track_id or by song."""
    header, rows = read_csv(sheet)
    key = "track_id" if "track_id" in header else "song"
    _check_header(sheet, header, [key])
    names = [name for name in _FACTS if name in header]
    if not names:
        raise InputError(f"{sheet}: adds none of {', '.join(_FACTS)}; its header is: {','.join(header)}")
    problems, facts = [], {}
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            problems.append(f"row {number}: has {'more' if None in row else 'fewer'} cells than the header")
            continue
        found = {name: row[name] for name in names}
        problems += [
            f"row {number}: {name} '{value}' cannot be used (it must match {PATTERNS[name]})"
            for name, value in found.items()
            if not re.search(PATTERNS[name], value)
        ]
        if facts.setdefault(row[key], found) != found:
            problems.append(f"row {number}: says of {key} '{row[key]}' otherwise than a row above")
    problems += [
        f"has no row for {key} '{name}', which the table has"
        for name in dict.fromkeys(getattr(track, key) for track in tracks)
        if name not in facts
    ]
    raise_all(sheet, problems)
    return [replace(track, **facts[getattr(track, key)]) for track in tracks]


def _check_songs(tracks: list[Track], where: str) -> None:
    labels = defaultdict(set)
    for track in tracks:
        labels[track.song].add(track.label)
    raise_all(
        where,
        [
            f"song '{song}' has two labels: {', '.join(sorted(found))}; a song belongs to one class"
            for song, found in labels.items()
            if len(found) > 1
        ],
    )
    if len(set.union(*labels.values())) < 2:
        raise InputError(f"{where}: all tracks have the label '{tracks[0].label}'; at least two classes are needed")
