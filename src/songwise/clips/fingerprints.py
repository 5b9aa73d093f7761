"""Tables of acoustic fingerprints, one row per track."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from songwise.files import replacing

_ITEMS = pa.list_(pa.uint32())


class Fingerprints(NamedTuple):
    """The fingerprints of some tracks, one after the other.

    Attributes
    ----------
    track_ids : list of str
        Track ids in sorted order.
    items : ndarray of uint32
        Items of all tracks, HOP_SECONDS apart within a track.
    starts : ndarray of int64, shape (tracks + 1,)
        The items of track i are ``items[starts[i] : starts[i + 1]]``.
    """

    track_ids: list[str]
    items: np.ndarray
    starts: np.ndarray


def write_fingerprints(path: Path, items_of: Mapping[str, np.ndarray]) -> None:
    """Write the table of some tracks' fingerprints.

    Parameters
    ----------
    path : Path
        Parquet file to write, with the columns track_id and items, a list of uint32.
    items_of : mapping of str to ndarray of uint32
        Items of each track by track_id.
    """
    columns = [pa.array(list(items_of), pa.string()), pa.array(list(items_of.values()), _ITEMS)]
    with replacing(path) as temporary:
        parquet.write_table(pa.table(columns, names=["track_id", "items"]), temporary)


def read_fingerprints(paths: Sequence[Path]) -> Fingerprints:
    """Return the fingerprints of several tables, whatever the order of the tables.

    Parameters
    ----------
    paths : sequence of Path
        Tables that `write_fingerprints` wrote.

    Returns
    -------
    Fingerprints
        Of all tracks, sorted by track_id.
    """
    table = pa.concat_tables([parquet.read_table(path) for path in paths]).sort_by("track_id").combine_chunks()
    items = table["items"].combine_chunks()
    lengths = items.value_lengths().to_numpy()
    return Fingerprints(
        table["track_id"].to_pylist(), items.flatten().to_numpy(), np.concatenate([[0], np.cumsum(lengths)])
    )
