"""Shards: tracks dealt into jobs by song, and the digests by which a job knows whether its rows changed."""

from collections import defaultdict
from pathlib import Path

from songwise.datasets.track import SHEET_COLUMNS, Track
from songwise.files import digest, stable_hash

_OF_SPLITS = ("album", "fold", "role")


def deal(tracks: list[Track], shards: int) -> dict[int, list[Track]]:
    """The tracks of each shard that has any, chosen by song alone, so that a new song changes one shard."""
    dealt = defaultdict(list)
    for track in tracks:
        dealt[stable_hash(track.song) % shards].append(track)
    return dict(sorted(dealt.items()))


def rows_digest(tracks: list[Track]) -> str:
    """Changes exactly when one of the rows, but for what only splits go by, or a local audio file changes."""
    return digest(sorted(([row, _stamp(track)] for row, track in zip(_rows(tracks), tracks, strict=True)), key=str))


def content_digest(tracks: list[Track]) -> str:
    """`rows_digest` without the places and times of local files, which differ between machines."""
    return digest(sorted((row | {"path": ""} for row in _rows(tracks)), key=str))


def _rows(tracks: list[Track]) -> list[dict[str, str]]:
    names = [name for name in SHEET_COLUMNS if name not in _OF_SPLITS]
    return [{name: getattr(track, name) for name in names} for track in tracks]


def columns_digest(tracks: list[Track], columns: list[str]) -> str:
    """Changes exactly when one of these columns of the sheet does; empty for no columns."""
    if not columns:
        return ""
    return digest(sorted([track.track_id, *(getattr(track, name) for name in columns)] for track in tracks))


def _stamp(track: Track) -> list[int]:
    # Files of the user's own are not copied, so their size and time stand for their content.
    if not track.path or track.url:
        return []
    try:
        status = Path(track.path).stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]
