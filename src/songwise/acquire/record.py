"""The record of a shard's downloads: what happened to each track, and when a shard is due again."""

from collections.abc import Mapping
from pathlib import Path

from songwise.files import digest, read_json


def access_key(access: Mapping) -> str:
    """Changes with the mirror or the cookies, and names neither: states are shared, and paths are one's own."""
    return digest(dict(access))


def access_of_record(state: Path, access: Mapping) -> str:
    """The `access_key` that a shard's download depends on.

    Another is a reason to try again only where something failed: what has arrived is checked by sha256, wherever it
    came from.
    """
    if not state.is_file():
        return access_key(access)
    record = read_json(state)
    failed = any(row["status"] == "failed" for row in record["tracks"].values())
    return access_key(access) if failed else record.get("access", "")  # which earlier versions did not write


def attempt_of_record(state: Path, now: float) -> int:
    """How often a shard was tried: once more than recorded if one of its tracks was to be tried again by `now`."""
    if not state.is_file():
        return 1
    record = read_json(state)
    due = [row["again_at"] for row in record["tracks"].values() if "again_at" in row]
    return record.get("attempt", 1) + bool(due and now >= min(due))


def is_due(state: Path, now: float) -> bool:
    """Whether a shard was never tried, or has a track that is to be tried again by `now`."""
    return not state.is_file() or attempt_of_record(state, now) > read_json(state).get("attempt", 1)
