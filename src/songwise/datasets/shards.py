"""Shards: the tracks of one job each, and hashes by which a job notices that its rows have changed."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from songwise.datasets.track import COLUMNS_FOR_SPLITS, SHEET_COLUMNS, Track
from songwise.files import digest, stable_hash


def deal(tracks: list[Track], shards: int) -> dict[int, list[Track]]:
    """Deal the tracks into shards by song, so that a new song changes one shard only.

    Parameters
    ----------
    tracks : list of Track
        All tracks of a data set.
    shards : int
        Number of shards.

    Returns
    -------
    dict of int to list of Track
        The tracks per shard, without empty shards, in order of their numbers.
    """
    dealt = defaultdict(list)
    for track in tracks:
        dealt[stable_hash(track.song) % shards].append(track)
    return dict(sorted(dealt.items()))


def rows_digest(tracks: list[Track]) -> str:
    """Return a hash of the rows of a shard, and of the sizes and times of its local audio files.

    Columns that only splits use (album, fold and role) do not change it, and neither does the order of the rows.

    Parameters
    ----------
    tracks : list of Track
        The tracks of a shard.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    return digest(sorted(([row, _stamp(track)] for row, track in zip(_rows(tracks), tracks, strict=True)), key=str))


def content_digest(tracks: list[Track]) -> str:
    """Return a hash of the rows of a shard without paths, sizes and times, which differ between machines.

    Parameters
    ----------
    tracks : list of Track
        The tracks of a shard.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    return digest(sorted((row | {"path": ""} for row in _rows(tracks)), key=str))


def columns_digest(tracks: list[Track], columns: Sequence[str]) -> str:
    """Return a hash of some columns of the track sheet.

    Parameters
    ----------
    tracks : list of Track
        All tracks of a data set.
    columns : sequence of str
        Columns of the track sheet.

    Returns
    -------
    str
        16 hexadecimal digits. Empty if there are no columns.
    """
    if not columns:
        return ""
    return digest(sorted([track.track_id, *(getattr(track, name) for name in columns)] for track in tracks))


def _rows(tracks: list[Track]) -> list[dict[str, str]]:
    names = [name for name in SHEET_COLUMNS if name not in COLUMNS_FOR_SPLITS]
    return [{name: getattr(track, name) for name in names} for track in tracks]


def _stamp(track: Track) -> list[int]:
    """Return size and time of a local audio file, which represent its content because it is not copied."""
    if not track.path or track.url:
        return []
    try:
        status = Path(track.path).stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]
