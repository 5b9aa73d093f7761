"""Feature tables of all shards as one matrix."""

from pathlib import Path

import numpy as np
import pandas as pd

from songwise.errors import InputError


def read_features(paths: list[Path]) -> pd.DataFrame:
    """The feature tables of all shards as one, indexed by clip_id and sorted by it; float32, shape (clips, columns).

    Raises
    ------
    InputError : naming the file of a preset, the clip and the column whose value is missing or infinite.
    """
    tables = []
    for path in paths:
        table = pd.read_parquet(path).set_index("clip_id")
        wrong = np.argwhere(~np.isfinite(table.to_numpy()))
        if len(wrong):
            row, column = wrong[0]
            raise InputError(
                f"{path}: clip '{table.index[row]}' has {table.iat[row, column]} in column '{table.columns[column]}', "
                f"one of {len(wrong)} values that are no finite numbers; correct the table, or leave the preset or the "
                "track out"
            )
        tables.append(table)
    return pd.concat(tables).sort_index()
