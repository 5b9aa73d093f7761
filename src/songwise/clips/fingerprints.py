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
    track_ids : in sorted order.
    items : uint32, all tracks' items, HOP_SECONDS apart within a track.
    starts : int64, shape (tracks + 1,): those of track i are items[starts[i] : starts[i + 1]].
    """

    track_ids: list[str]
    items: np.ndarray
    starts: np.ndarray


def write_fingerprints(path: Path, found: Mapping[str, np.ndarray]) -> None:
    """Write a Parquet table of track_id and items, a list of uint32."""
    columns = [pa.array(list(found), pa.string()), pa.array(list(found.values()), _ITEMS)]
    with replacing(path) as temporary:
        parquet.write_table(pa.table(columns, names=["track_id", "items"]), temporary)


def read_fingerprints(paths: Sequence[Path]) -> Fingerprints:
    """All the tables' fingerprints, whatever the order of the tables."""
    table = pa.concat_tables([parquet.read_table(path) for path in paths]).sort_by("track_id").combine_chunks()
    items = table["items"].combine_chunks()
    lengths = items.value_lengths().to_numpy()
    return Fingerprints(
        table["track_id"].to_pylist(), items.flatten().to_numpy(), np.concatenate([[0], np.cumsum(lengths)])
    )
