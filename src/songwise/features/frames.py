"""Log-mel, MFCC and samples of clips, for models of sequences and images: one memory-mapped file per shard and preset.

The file is Arrow IPC, readable by every Arrow library: one record batch per clip, with its clip_id and, per family, the
matrix as a list of frames of fixed size. Nothing is compressed, so a matrix is read in place.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from songwise.errors import InputError
from songwise.files import replacing

_KEY = b"songwise.frames"
_TYPES = {"float16": pa.float16(), "float32": pa.float32()}
_ID_ALONE = ipc.IpcReadOptions(included_fields=[0])


def _schema(about: dict) -> pa.Schema:
    fields = [pa.field("clip_id", pa.string())]
    for family, rows in about["rows"].items():
        fields.append(pa.field(family, pa.list_(pa.list_(_TYPES[about["dtype"]], rows))))
    return pa.schema(fields, metadata={_KEY: json.dumps(about, sort_keys=True)})


class FramesWriter:
    """Writes the frames of a shard's clips, one clip after the other; a context manager.

    The file appears when all of it is written, and not at all after an error.

    Parameters
    ----------
    path : Path
        The file to write (`paths.frame_table`).
    preset : dict
        A resolved preset with the key frames: {dtype, families: {FAMILY: {n: rows}}}; waveform has one row and no n. It
        is stored with the frames.
    """

    def __init__(self, path: Path, preset: dict):
        settings = preset["frames"]
        self._path = Path(path)
        self._rows = {family: options.get("n", 1) for family, options in settings["families"].items()}
        self._dtype = np.dtype(settings["dtype"])
        self._schema = _schema({"dtype": settings["dtype"], "rows": self._rows, "preset": preset})

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            temporary = stack.enter_context(replacing(self._path))
            sink = stack.enter_context(pa.OSFile(str(temporary), "wb"))
            self._writer = stack.enter_context(ipc.new_file(sink, self._schema))
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *error) -> bool | None:
        return self._closing.__exit__(*error)

    def add(self, clip_id: str, matrices: Mapping[str, np.ndarray]) -> None:
        """Append one clip, and keep nothing of it in memory.

        Parameters
        ----------
        clip_id : str
            Identifier of the clip, unique in the shard.
        matrices : mapping of str to ndarray of float, shape (rows, frames)
            One matrix per family, with at least one frame. Families that the preset does not name are ignored.

        Raises
        ------
        ValueError
            If a family is missing, or does not have the preset's number of rows.
        ArithmeticError
            If a value is not finite, or too large for the preset's dtype (65,504 in float16).
        """
        columns = [pa.array([clip_id], pa.string())]
        columns += [self._column(clip_id, family, matrices.get(family)) for family in self._rows]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema))

    def _column(self, clip_id: str, family: str, matrix: np.ndarray | None) -> pa.ListArray:
        rows = self._rows[family]
        if matrix is None or matrix.ndim != 2 or len(matrix) != rows or matrix.shape[1] < 1:
            given = "nothing" if matrix is None else f"shape {matrix.shape}"
            raise ValueError(f"{family} of {clip_id}: ({rows}, frames) is expected, {given} was given")
        with np.errstate(over="ignore"):
            stored = np.ascontiguousarray(matrix.T, dtype=self._dtype)
        if not np.isfinite(stored).all():
            raise ArithmeticError(f"{family} of {clip_id} has a value that is not finite in {self._dtype}")
        frames = pa.FixedSizeListArray.from_arrays(pa.array(stored.ravel()), rows)
        return pa.ListArray.from_arrays(pa.array([0, len(stored)], pa.int32()), frames)


class _Shard(NamedTuple):
    path: Path
    reader: ipc.RecordBatchFileReader
    about: dict
    clip_ids: list[str]


class Frames(Mapping):
    """The frames of one or several shards: frames["clip@0"]["log_mel"] has the shape (frames, rows).

    Opening reads the names of the clips. A matrix is read from the file when it is used, and takes no memory of the
    process itself. Arrays are read-only views of the stored dtype.

    Parameters
    ----------
    path : Path or str
        A file that `FramesWriter` wrote.
    *paths : Path or str
        More files of the same preset.

    Attributes
    ----------
    preset : dict
        The resolved preset for which the frames were computed.
    rows : dict of str to int
        Number of rows per family.
    dtype : dtype
        Type of the stored values.

    Raises
    ------
    InputError
        If a file is missing, damaged, truncated or of another kind, or if two files do not belong together; also
        when a clip is read and its part of the file is damaged.
    KeyError
        If no file contains the clip.
    """

    def __init__(self, path: Path | str, *paths: Path | str):
        self._shards = [_open(Path(name)) for name in (path, *paths)]
        about = self._shards[0].about
        self.preset: dict = about["preset"]
        self.rows: dict[str, int] = about["rows"]
        self.dtype = np.dtype(about["dtype"])
        self._places: dict[str, tuple[_Shard, int]] = {}
        for shard in self._shards:
            if shard.about != about:
                raise InputError(f"{shard.path}: was computed by another preset than {self._shards[0].path}")
            for number, clip_id in enumerate(shard.clip_ids):
                if clip_id in self._places:
                    raise InputError(f"{shard.path}: clip '{clip_id}' occurs twice, or also in another shard")
                self._places[clip_id] = (shard, number)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __getitem__(self, clip_id: str) -> dict[str, np.ndarray]:
        return {family: self._matrix(clip_id, family) for family in self.rows}

    def padded(
        self, clip_ids: Sequence[str], family: str, length: int, offsets: Sequence[int] | None = None
    ) -> np.ndarray:
        """Return a batch for a network: clips cut to `length` frames, shorter ones padded at the end with silence.

        In log_mel, silence is the smallest value of the clip in all rows. In mfcc it is the smallest first coefficient,
        and 0 in the others: the coefficients of a spectrum with the same level in all bands. In waveform it is 0.

        Parameters
        ----------
        clip_ids : sequence of str
            Clips, in the order of the batch.
        family : str
            One of `rows`.
        length : int
            Frames per clip.
        offsets : sequence of int, optional
            Frame of each clip at which its cut begins, below the clip's number of frames; 0 by default.

        Returns
        -------
        ndarray of float32, shape (len(clip_ids), length, rows)
            The batch.

        Raises
        ------
        KeyError
            If a clip or the family is not in the files.
        """
        if family not in self.rows:
            raise KeyError(f"there are no frames of {family}, only of {', '.join(self.rows)}")
        batch = np.empty((len(clip_ids), length, self.rows[family]), np.float32)
        for filled, clip_id, offset in zip(batch, clip_ids, offsets or [0] * len(clip_ids), strict=True):
            matrix = self._matrix(clip_id, family)
            cut = matrix[offset : offset + length]
            filled[: len(cut)] = cut
            if len(cut) < length:
                filled[len(cut) :] = _silence(family, matrix)
        return batch

    def _matrix(self, clip_id: str, family: str) -> np.ndarray:
        if clip_id not in self._places:
            shown = ", ".join(str(shard.path) for shard in self._shards[:3])
            raise KeyError(f"there are no frames of clip '{clip_id}' in {shown}")
        shard, number = self._places[clip_id]
        return _read(shard, number, family, self.rows[family])


def _silence(family: str, matrix: np.ndarray) -> np.ndarray:
    if family == "mfcc":
        return np.concatenate([matrix[:, :1].min(axis=0), np.zeros(matrix.shape[1] - 1, np.float32)])
    if family == "waveform":
        return np.zeros(matrix.shape[1], np.float32)
    return np.full(matrix.shape[1], matrix.min())


def _open(path: Path) -> _Shard:
    try:
        mapped = pa.memory_map(str(path))
        reader = ipc.open_file(mapped)
        about = json.loads(reader.schema.metadata[_KEY])
        if not isinstance(about["preset"], dict) or not reader.schema.equals(_schema(about)):
            raise ValueError("its columns differ from its own description")
        names = ipc.open_file(mapped, options=_ID_ALONE)
        clip_ids = [_batch(names, number).column(0)[0].as_py() for number in range(names.num_record_batches)]
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file") from error
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, error) from error
    return _Shard(path, reader, about, clip_ids)


def _batch(reader: ipc.RecordBatchFileReader, number: int) -> pa.RecordBatch:
    batch = reader.get_batch(number)
    # Offsets that point outside the data would read memory outside the file.
    batch.validate(full=True)
    if batch.num_rows != 1 or any(column.null_count for column in batch.columns):
        raise ValueError("a record batch does not have exactly one clip")
    return batch


def _read(shard: _Shard, number: int, family: str, rows: int) -> np.ndarray:
    try:
        frames = _batch(shard.reader, number).column(family)[0].values
        matrix = frames.flatten().to_numpy(zero_copy_only=True).reshape(-1, rows)
        if not len(matrix):
            raise ValueError("a clip has no frames")
        return matrix
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(shard.path, error) from error


def _damaged(path: Path, error: Exception) -> InputError:
    why = " ".join(str(error).split())[:200]
    return InputError(f"{path}: is damaged or not a file of frames ({why}); delete it and run again to recompute it")
