"""Feature tables of all shards as one matrix."""

from pathlib import Path

import numpy as np
import pandas as pd

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
    DataFrame of float32, shape (clips, columns)
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
    tables = {preset: _read(tables) for preset, tables in by_preset.items()}
    if len(tables) == 1:
        return next(iter(tables.values()))
    _check_clips(tables)
    return pd.concat([table.add_prefix(f"{preset}.") for preset, table in tables.items()], axis=1)


def _read(paths: list[Path]) -> pd.DataFrame:
    tables = []
    for path in paths:
        table = pd.read_parquet(path).set_index("clip_id")
        wrong = np.argwhere(~np.isfinite(table.to_numpy()))
        if len(wrong):
            row, column = wrong[0]
            raise InputError(
                f"{path}: clip '{table.index[row]}' has {table.iat[row, column]} in column '{table.columns[column]}', "
                f"one of {len(wrong)} values that are not finite numbers; correct the table, or leave out the preset "
                "or the track"
            )
        tables.append(table)
    return pd.concat(tables).sort_index()


def _check_clips(tables: dict[str, pd.DataFrame]) -> None:
    (first, table), *others = tables.items()
    for preset, other in others:
        for clip_id in table.index.symmetric_difference(other.index)[:1]:
            present, absent = (first, preset) if clip_id in table.index else (preset, first)
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
