"""A shard's feature table, written clip by clip: Parquet, with the preset from which its numbers follow."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from songwise.features.presets import column_names
from songwise.files import replacing

_TOGETHER = 1024  # clips per write


class TableWriter:
    """Writes one preset's features; a context manager.

    The file has clip_id, then the preset's columns as float32. The preset is in the metadata key "songwise.preset", as
    JSON. The file appears when all of it is written, and not at all after an error.

    Parameters
    ----------
    path : Path
        The file to write.
    preset : dict
        A resolved preset.
    """

    def __init__(self, path: Path, preset: dict):
        self._path, self._preset = path, preset
        self._columns = column_names(preset)
        fields = [pa.field("clip_id", pa.string()), *(pa.field(name, pa.float32()) for name in self._columns)]
        self._schema = pa.schema(fields, metadata={"songwise.preset": json.dumps(preset, sort_keys=True)})
        self._clip_ids: list[str] = []
        self._numbers = np.empty((_TOGETHER, len(self._columns)), np.float32)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            temporary = stack.enter_context(replacing(self._path))
            self._writer = stack.enter_context(
                parquet.ParquetWriter(temporary, self._schema, write_statistics=False, use_dictionary=False)
            )
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *error) -> bool | None:
        if error[0] is None:
            self._flush()
        return self._closing.__exit__(*error)

    def add(self, clip_id: str, numbers: np.ndarray) -> None:
        """Append the features of one clip.

        Parameters
        ----------
        clip_id : str
            Identifier of the clip.
        numbers : ndarray of float, shape (columns,)
            In the order of the preset's columns.

        Raises
        ------
        ArithmeticError
            If a number is not finite, which does not happen with audible clips.
        """
        finite = np.isfinite(numbers)
        if not finite.all():
            column = self._columns[int(np.argmin(finite))]
            raise ArithmeticError(f"{column} of preset {self._preset['name']} is not finite for {clip_id}")
        self._numbers[len(self._clip_ids)] = numbers
        self._clip_ids.append(clip_id)
        if len(self._clip_ids) == _TOGETHER:
            self._flush()

    def _flush(self) -> None:
        rows = self._numbers[: len(self._clip_ids)]
        columns = [pa.array(self._clip_ids, pa.string()), *(pa.array(column) for column in rows.T)]
        self._writer.write_table(pa.table(columns, schema=self._schema))
        self._clip_ids = []
