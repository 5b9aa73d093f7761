"""Feature tables of all shards as one matrix."""

from pathlib import Path

import numpy as np
import pandas as pd

from songwise.errors import InputError


def read_features(paths: list[Path]) -> pd.DataFrame:
    """Read the feature tables of all shards as one.

    Parameters
    ----------
    paths : list of Path
        Parquet tables of one preset, with a column clip_id.

    Returns
    -------
    DataFrame of float32, shape (clips, columns)
        Indexed by clip_id, and sorted by it.

    Raises
    ------
    InputError
        If a value is missing or infinite; the message names the file, the clip and the column.
    """
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
