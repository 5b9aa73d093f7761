"""Tensors of a TensorFlow checkpoint inside a wheel, read without TensorFlow.

A checkpoint is a table of names (.index, in LevelDB's format without compression) and a file of raw values
(.data-00000-of-00001); see tensorflow/core/util/tensor_bundle and LevelDB's doc/table_format.md. Nothing in either is
code. Each offset and size is checked against the bytes that exist.
"""

import math
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from songwise.features.networks.weights import MOST_TENSORS, check_size, unusable

_LARGEST_INDEX = 1 << 20  # bytes; musicnn's has 5 kB
_LARGEST_DATA = 1 << 30  # bytes
_MOST_AXES = 8
_FOOTER = 48  # bytes
_MAGIC = 0xDB4775248B80FB57
_TRAILER = 5  # bytes after a block: its compression and checksum
_DTYPES = {1: "<f4"}  # DT_FLOAT of TensorFlow's types.proto; others are skipped
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers


class _Refusal(Exception):  # noqa: N818 - it is not an error of ours
    """What is wrong with a file, as the end of a sentence."""


class _Handle(NamedTuple):
    """Where a block begins, and its size without the trailer, in bytes."""

    offset: int
    size: int


class _Entry(NamedTuple):
    """Where the values of a tensor are in the file of raw values."""

    dtype: int
    shape: tuple[int, ...]
    offset: int
    size: int


def read_tensorflow_checkpoint(wheel: Path, prefix: str) -> dict[str, np.ndarray]:
    """Return the float32 tensors of a TensorFlow checkpoint inside a wheel (or any zip archive).

    Parameters
    ----------
    wheel : Path
        The archive.
    prefix : str
        What the names of its members begin with, such as "musicnn/MSD_musicnn/".

    Returns
    -------
    dict of str to ndarray
        Contiguous arrays of float32, sorted by name.

    Raises
    ------
    InputError
        If the archive is missing, corrupt or too large, or does not contain such a checkpoint.
    """
    wheel = Path(wheel)
    check_size(wheel)
    try:
        with zipfile.ZipFile(wheel) as archive:
            index = _member(archive, f"{prefix}.index", _LARGEST_INDEX)
            data = _member(archive, f"{prefix}.data-00000-of-00001", _LARGEST_DATA)
        entries = _entries(index)
        if sum(entry.size for entry in entries.values()) > len(data):
            raise _Refusal("has tensors that are larger than its data")
        return {name: _array(name, entry, data) for name, entry in entries.items()}
    except _Refusal as error:
        raise unusable(wheel, str(error)) from None
    except MemoryError:
        raise unusable(wheel, "needs more memory than there is") from None
    # Forged and truncated content makes zipfile fail in many ways.
    except Exception as error:
        brief = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise unusable(wheel, f"does not contain a TensorFlow checkpoint, or is corrupt ({brief})") from None


def _member(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    """Return the bytes of a member, at most as many as its entry states."""
    entries = [entry for entry in archive.infolist() if entry.filename == name]
    if len(entries) != 1:
        raise _Refusal(f"has {len(entries)} members {name} instead of one")
    if entries[0].file_size > largest:
        raise _Refusal(f"has the member {name} with {entries[0].file_size:,} bytes; at most {largest:,} are expected")
    # zipfile stops at the stated size, whatever a compressed member expands to, and compares the checksum.
    return archive.read(entries[0])


def _entries(index: bytes) -> dict[str, _Entry]:
    """Return the float32 tensors that a table names."""
    if len(index) < _FOOTER or struct.unpack("<Q", index[-8:])[0] != _MAGIC:
        raise _Refusal("has an index that is not a TensorFlow checkpoint's")
    footer = _Reader(index[-_FOOTER:-8])
    footer.handle()  # of the block of meta information, which is not needed
    entries: dict[str, _Entry] = {}
    previous, end = None, 0
    for _, value in _items(index, footer.handle()):
        handle = _Reader(value).handle()
        # Blocks that overlap could be read again and again.
        if handle.offset < end:
            raise _Refusal("has an index with blocks that overlap")
        end = handle.offset + handle.size
        for key, content in _items(index, handle):
            if previous is not None and key <= previous:
                raise _Refusal("has an index with names that are repeated or not in order")
            previous = key
            # The first entry describes the file. It has no name.
            if key == b"":
                _check_header(content)
                continue
            entry = _entry(content)
            if entry.dtype in _DTYPES:
                entries[key.decode()] = entry
    if not 0 < len(entries) <= MOST_TENSORS:
        raise _Refusal(f"has {len(entries):,} tensors; networks have 1 to {MOST_TENSORS:,}")
    return entries


def _items(index: bytes, handle: _Handle) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block, each key with the part that it shares with the one before."""
    end = handle.offset + handle.size
    if handle.size < 4 or end + _TRAILER > len(index):
        raise _Refusal("has an index with a block beyond its end")
    block = index[handle.offset : end]
    compression, checksum = struct.unpack("<BI", index[end : end + _TRAILER])
    if compression != 0:
        raise _Refusal("has a compressed index, which songwise does not read")
    if _masked(_crc32c(block + b"\0")) != checksum:
        raise _Refusal("has an index whose checksum is wrong")
    restarts = struct.unpack("<I", block[-4:])[0]
    if 4 * restarts + 4 > len(block):
        raise _Refusal("has an index with a block that is not valid")
    reader = _Reader(block[: len(block) - 4 - 4 * restarts])
    key = b""
    while not reader.is_at_end():
        shared, rest, size = reader.varint(), reader.varint(), reader.varint()
        if shared > len(key):
            raise _Refusal("has an index with a key that is not valid")
        key = key[:shared] + reader.bytes(rest)
        if len(key) > 1000:
            raise _Refusal("has an index with a key that is too long")
        yield key, reader.bytes(size)


def _check_header(content: bytes) -> None:
    """Check BundleHeaderProto: one file of values, little-endian."""
    fields = _fields(content)
    if fields.get(1, [1]) != [1] or fields.get(2, [0]) != [0]:
        raise _Refusal("has a checkpoint of several files, or in another byte order")


def _entry(content: bytes) -> _Entry:
    """Read BundleEntryProto: type 1, shape 2, shard 3, offset 4, size 5, checksum 6, slices 7."""
    fields = _fields(content)
    shape = tuple(size for text in fields.get(2, [])[-1:] for size in _shape(text))
    dtype, shard, offset, size = (_number(fields, field) for field in (1, 3, 4, 5))
    if shard or 7 in fields or len(shape) > _MOST_AXES:
        raise _Refusal("has a tensor in several parts, which songwise does not read")
    return _Entry(dtype, shape, offset, size)


def _shape(content: object) -> list[int]:
    """Read TensorShapeProto: a message per axis, with its size in field 1."""
    if not isinstance(content, bytes):
        raise _Refusal("has a tensor without a shape")
    axes = _fields(content)
    if axes.keys() - {2} or not all(isinstance(axis, bytes) for axis in axes.get(2, [])):
        raise _Refusal("has a tensor whose shape is not known")
    return [_number(_fields(axis), 1) for axis in axes.get(2, [])]


def _number(fields: dict[int, list], field: int) -> int:
    value = fields.get(field, [0])[-1]
    if not isinstance(value, int):
        raise _Refusal("has a tensor whose description is not valid")
    return value


def _fields(content: bytes) -> dict[int, list[int | bytes]]:
    """Return the values of a message of protocol buffers by the number of their field."""
    reader = _Reader(content)
    fields: dict[int, list[int | bytes]] = {}
    while not reader.is_at_end():
        key = reader.varint()
        kind = key & 7
        if kind == _VARINT:
            value: int | bytes = reader.varint()
        elif kind == _BYTES:
            value = reader.bytes(reader.varint())
        elif kind in (_FIXED32, _FIXED64):
            value = reader.bytes(4 if kind == _FIXED32 else 8)
        else:
            raise _Refusal("has a tensor whose description is not valid")
        fields.setdefault(key >> 3, []).append(value)
    return fields


class _Reader:
    """Numbers and bytes of a message, one after the other, never beyond its end."""

    def __init__(self, content: bytes):
        self._content = content
        self._position = 0

    def is_at_end(self) -> bool:
        return self._position == len(self._content)

    def bytes(self, size: int) -> bytes:
        end = self._position + size
        if end > len(self._content):
            raise _Refusal("has an index that ends too early")
        part = self._content[self._position : end]
        self._position = end
        return part

    def varint(self) -> int:
        value = 0
        for shift in range(0, 64, 7):
            byte = self.bytes(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise _Refusal("has an index with a number that is too long")

    def handle(self) -> _Handle:
        return _Handle(self.varint(), self.varint())


def _array(name: str, entry: _Entry, data: bytes) -> np.ndarray:
    dtype = np.dtype(_DTYPES[entry.dtype])
    if math.prod(entry.shape) * dtype.itemsize != entry.size or entry.offset + entry.size > len(data):
        raise _Refusal(f"has the tensor {name[:80]!a} beyond the end of its data")
    values = np.frombuffer(data, dtype, count=entry.size // dtype.itemsize, offset=entry.offset)
    return values.reshape(entry.shape)


def _crc32c(content: bytes) -> int:
    """Return the CRC-32C (Castagnoli) of bytes."""
    checksum = 0xFFFFFFFF
    for byte in content:
        checksum = _CRC32C[(checksum ^ byte) & 255] ^ (checksum >> 8)
    return checksum ^ 0xFFFFFFFF


def _crc32c_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _crc32c_table()


def _masked(checksum: int) -> int:
    """Return a checksum as LevelDB stores it."""
    return (((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF
