"""Feature tables of all shards as one matrix."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from songwise.errors import InputError
from songwise.paths import preset_of


def read_features(paths: list[Path]) -> pd.DataFrame:
    """Read the feature tables of all shards as one.

    Parameters
    ----------
    paths : list of Path
        Parquet tables with a column clip_id, of one preset or of several whose columns are joined.

    Returns
    -------
    DataFrame of float32, or float64 if a table has it, shape (clips, columns)
        Indexed by clip_id, and sorted by it. With several presets, in their order, a column is named PRESET.COLUMN.

    Raises
    ------
    InputError
        If a value is missing or infinite; the message names the file, the clip and the column. If a clip is in the
        tables of one preset only.
    """
    by_preset: dict[str, list[Path]] = {}
    for path in paths:
        by_preset.setdefault(preset_of(path), []).append(path)
    clips = {preset: _clip_ids(tables) for preset, tables in by_preset.items()}
    _check_clips(clips)
    schemas = {preset: parquet.read_schema(tables[0]).remove_metadata() for preset, tables in by_preset.items()}
    columns = {preset: [name for name in schema.names if name != "clip_id"] for preset, schema in schemas.items()}
    is_double = any(pa.float64() in schema.types for schema in schemas.values())  # tables from elsewhere
    clip_ids = np.sort(next(iter(clips.values())))
    # One array for all presets and shards, filled shard by shard, so that no table is in memory twice. Columns are
    # contiguous, as in a DataFrame that pandas makes.
    shape = (sum(map(len, columns.values())), len(clip_ids))
    numbers = np.empty(shape, np.float64 if is_double else np.float32)
    start = 0
    for preset, tables in by_preset.items():
        part = numbers[start : start + len(columns[preset])]
        start += len(part)
        places = np.searchsorted(clip_ids, clips[preset])
        for path in tables:
            table = _read(path)
            part[:, places[: len(table)]] = table[columns[preset]].to_numpy().T
            places = places[len(table) :]
    joined = len(by_preset) > 1
    labels = [f"{preset}.{name}" if joined else name for preset, found in columns.items() for name in found]
    return pd.DataFrame(numbers.T, index=pd.Index(clip_ids, name="clip_id"), columns=labels, copy=False)


def _clip_ids(paths: list[Path]) -> np.ndarray:
    tables = [parquet.read_table(path, columns=["clip_id"])["clip_id"] for path in paths]
    return np.concatenate([table.to_numpy().astype(object) for table in tables])


def _read(path: Path) -> pd.DataFrame:
    table = pd.read_parquet(path).set_index("clip_id")
    wrong = np.argwhere(~np.isfinite(table.to_numpy()))
    if len(wrong):
        row, column = wrong[0]
        raise InputError(
            f"{path}: clip '{table.index[row]}' has {table.iat[row, column]} in column '{table.columns[column]}', "
            f"one of {len(wrong)} values that are not finite numbers; correct the table, or leave out the preset "
            "or the track"
        )
    return table


def _check_clips(clips: dict[str, np.ndarray]) -> None:
    (first, own), *others = clips.items()
    for preset, other in others:
        for clip_id in np.setxor1d(own, other)[:1]:
            present, absent = (first, preset) if clip_id in own else (preset, first)
            raise InputError(
                f"clip '{clip_id}' is in the tables of preset {present}, but not in those of {absent}; delete the "
                "tables of both, and run the same command again"
            )


def tables_of(paths: list[Path], presets: list[str]) -> list[Path]:
    """Return the tables of some presets, in the order of the presets.

    Parameters
    ----------
    paths : list of Path
        Tables of any presets.
    presets : list of str
        Names: the parts of a joined preset, or one preset.

    Returns
    -------
    list of Path
        For `read_features`.
    """
    return [path for preset in presets for path in paths if preset_of(path) == preset]
