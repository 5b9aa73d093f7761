"""Log-mel and MFCC matrices of clips, for models of sequences and images: one memory-mapped file a shard and preset.

The file is Arrow IPC, readable wherever Arrow is: a record batch a clip, with its clip_id and, for each family, the
matrix as a list of frames of fixed size. Nothing is compressed, so a matrix is read where it lies in the file.
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
    """Writes the frames of a shard's clips, one after the other; a context manager.

    The file appears when all of it is written, under its own name, and not at all after an error.

    Parameters
    ----------
    path : the file to write, such as data/features/DATASET/PRESET/SHARD.frames.arrow.
    preset : content of a config/features file that has the key frames: {dtype, families: {FAMILY: {n: rows}}}.
        It is stored with the frames.
    """

    def __init__(self, path: Path, preset: dict):
        asked = preset["frames"]
        self._path = Path(path)
        self._rows = {family: options["n"] for family, options in asked["families"].items()}
        self._dtype = np.dtype(asked["dtype"])
        self._schema = _schema({"dtype": asked["dtype"], "rows": self._rows, "preset": preset})

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
        """Append one clip; nothing of it stays in memory.

        Parameters
        ----------
        clip_id : its name, unique in the shard.
        matrices : family to float array, shape (rows, frames), frames >= 1; families other than the preset's are
            left out.

        Raises
        ------
        ValueError : a family is missing, or has another number of rows than the preset says.
        ArithmeticError : a value is not finite, or too large for the preset's dtype (65,504 in float16).
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

    Opening reads the names of the clips; a matrix is read from the file when it is looked at, and takes no memory of
    the process's own. Arrays are views, not to be written to, of the dtype that is stored.

    Parameters
    ----------
    paths : files that `FramesWriter` wrote, of one preset.

    Attributes
    ----------
    preset : content of the preset's file, as it was when the frames were made.
    rows : family to its number of rows.
    dtype : of the stored values.

    Raises
    ------
    InputError : a file is missing, damaged, cut off or of another kind, or two files do not belong together; also
        when a clip is looked up whose part of the file is damaged.
    KeyError : no file holds the clip.
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
                raise InputError(f"{shard.path}: was made by another preset than {self._shards[0].path}")
            for number, clip_id in enumerate(shard.clip_ids):
                if clip_id in self._places:
                    raise InputError(f"{shard.path}: clip '{clip_id}' stands there or in another shard once more")
                self._places[clip_id] = (shard, number)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __getitem__(self, clip_id: str) -> dict[str, np.ndarray]:
        return {family: self._matrix(clip_id, family) for family in self.rows}

    def padded(self, clip_ids: Sequence[str], family: str, length: int) -> np.ndarray:
        """A batch for a network: clips cut at `length` frames, and shorter ones filled up at the end with silence.

        Silence is the least value of the clip, in dB, in all rows of log_mel; of mfcc the least of the first
        coefficient, and 0 in the others, which is what a spectrum with the same level in all bands gives.

        Returns
        -------
        float32, shape (len(clip_ids), length, rows).
        """
        if family not in self.rows:
            raise KeyError(f"there are no frames of {family}, only of {', '.join(self.rows)}")
        batch = np.empty((len(clip_ids), length, self.rows[family]), np.float32)
        for filled, clip_id in zip(batch, clip_ids, strict=True):
            matrix = self._matrix(clip_id, family)
            filled[: len(matrix)] = matrix[:length]
            filled[len(matrix) :] = _silence(family, matrix)
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
    return np.full(matrix.shape[1], matrix.min())


def _open(path: Path) -> _Shard:
    try:
        mapped = pa.memory_map(str(path))
        reader = ipc.open_file(mapped)
        about = json.loads(reader.schema.metadata[_KEY])
        if not isinstance(about["preset"], dict) or not reader.schema.equals(_schema(about)):
            raise ValueError("its columns are not those that it says")
        names = ipc.open_file(mapped, options=_ID_ALONE)
        clip_ids = [_batch(names, number).column(0)[0].as_py() for number in range(names.num_record_batches)]
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file") from error
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, error) from error
    return _Shard(path, reader, about, clip_ids)


def _batch(reader: ipc.RecordBatchFileReader, number: int) -> pa.RecordBatch:
    batch = reader.get_batch(number)
    # Offsets that point outside the data would read memory that is not the file's.
    batch.validate(full=True)
    if batch.num_rows != 1 or any(column.null_count for column in batch.columns):
        raise ValueError("a record batch is not of one clip")
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
    return InputError(f"{path}: is no whole file of frames ({why}); delete it to have it made anew")
