"""The record of a shard's downloads: the result per track, and when the shard is due again."""

from collections.abc import Mapping
from pathlib import Path

from songwise.files import digest, read_json


def access_key(access: Mapping) -> str:
    """Return a hash of the mirror and the cookies; it names neither, because records are shared.

    Parameters
    ----------
    access : mapping
        mirror and cookies.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    return digest(dict(access))


def access_of_record(state: Path, access: Mapping) -> str:
    """Return the `access_key` that the download of a shard depends on.

    A new mirror or new cookies are a reason to try again only if a track failed. Files that arrived are checked by
    sha256, wherever they came from.

    Parameters
    ----------
    state : Path
        The shard's record, which need not exist.
    access : mapping
        mirror and cookies of this run.

    Returns
    -------
    str
        The recorded key if nothing failed, else the key of `access`.
    """
    if not state.is_file():
        return access_key(access)
    record = read_json(state)
    failed = any(row["status"] == "failed" for row in record["tracks"].values())
    return access_key(access) if failed else record.get("access", "")  # earlier versions did not write it


def attempt_of_record(state: Path, now: float) -> int:
    """Return the number of the attempt at a shard: one more than recorded if one of its tracks is due again.

    Parameters
    ----------
    state : Path
        The shard's record, which need not exist.
    now : float
        Seconds since 1970.

    Returns
    -------
    int
        From 1.
    """
    if not state.is_file():
        return 1
    record = read_json(state)
    due = [row["again_at"] for row in record["tracks"].values() if "again_at" in row]
    return record.get("attempt", 1) + bool(due and now >= min(due))


def is_due(state: Path, now: float) -> bool:
    """Return whether a shard was never tried, or has a track that is due again.

    Parameters
    ----------
    state : Path
        The shard's record, which need not exist.
    now : float
        Seconds since 1970.

    Returns
    -------
    bool
        True if the shard is to be acquired now.
    """
    return not state.is_file() or attempt_of_record(state, now) > read_json(state).get("attempt", 1)
