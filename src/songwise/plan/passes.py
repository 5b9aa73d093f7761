"""Passes over the clips: which presets share the jobs that decode the clips of a shard."""

from collections.abc import Mapping
from pathlib import Path


def passes(step: str, missing: Mapping[str, tuple[int, ...]]) -> dict[str, list[str]]:
    """Return the rules of a step, by name, and the presets of each.

    Presets that miss the tables of the same shards share their jobs. All others do not: a job makes all of its outputs
    anew, also those that are there, and with them all that follows from them.

    Parameters
    ----------
    step : str
        Name of the first rule: "extract_features" or "embed_clips".
    missing : mapping of str to tuple of int
        For each preset the shards that it has no up-to-date table of (`shards_missing`).

    Returns
    -------
    dict of str to list of str
        STEP is the pass with most to do; then STEP_2, ...
    """
    groups: dict[tuple[int, ...], list[str]] = {}
    for preset, shards in missing.items():
        groups.setdefault(shards, []).append(preset)
    most_to_do_first = sorted(groups, key=len, reverse=True)
    return {
        step if number == 1 else f"{step}_{number}": groups[shards]
        for number, shards in enumerate(most_to_do_first, start=1)
    }


def shards_missing(tables: Mapping[int, Path], clips: Mapping[int, Path]) -> tuple[int, ...]:
    """Return the shards whose table is missing, or not newer than the list of its clips.

    Parameters
    ----------
    tables : mapping of int to Path
        Per shard the table of a preset.
    clips : mapping of int to Path
        Per shard the list of its clips.

    Returns
    -------
    tuple of int
        In the order of `tables`.
    """
    return tuple(shard for shard, table in tables.items() if _written_at(table) <= _written_at(clips[shard]))


def _written_at(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0
