"""Checkpoints of torch and TensorFlow, written byte by byte, so that tests can forge any part of them."""

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

_STORAGES = {"f4": "FloatStorage", "f2": "HalfStorage", "i8": "LongStorage"}


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    content = value.to_bytes(20, "little", signed=True)
    return b"\x8a" + bytes([len(content)]) + content


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def numbers(values) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(key: str, values: int, kind: str = "FloatStorage") -> bytes:
    """Return a storage's persistent identifier, and the operation that resolves it."""
    return b"(" + text("storage") + name("torch", kind) + text(key) + text("cpu") + number(values) + b"tQ"


def view(stored: bytes, shape, strides, offset: int = 0) -> bytes:
    """Return the call that makes a tensor of a storage."""
    hooks = name("collections", "OrderedDict") + b")R"
    arguments = stored + number(offset) + numbers(shape) + numbers(strides) + b"\x89" + hooks
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + arguments + b"tR"


def pickle_of(items: Mapping[str, bytes], end: bytes = b"") -> bytes:
    """Return the pickle of a dictionary whose values are given as operations."""
    return b"\x80\x02}(" + b"".join(text(key) + value for key, value in items.items()) + b"u" + end + b"."


def write_archive(path: Path, content: bytes, storages: Mapping[str, bytes], **options) -> Path:
    """Write the zip archive of a torch checkpoint."""
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("archive/data.pkl", content)
        for key, values in storages.items():
            archive.writestr(f"archive/data/{key}", values)
        archive.writestr("archive/version", "3\n")
    return path


def torch_parts(tensors: Mapping[str, np.ndarray]) -> tuple[bytes, dict[str, bytes]]:
    """Return the pickle and the storages of a state dictionary."""
    items, storages = {}, {}
    for key, (label, tensor) in enumerate(tensors.items()):
        strides = [stride // tensor.itemsize for stride in np.empty(tensor.shape, tensor.dtype).strides]
        stored = storage(str(key), tensor.size, _STORAGES[tensor.dtype.str[1:]])
        items[label] = view(stored, tensor.shape, strides)
        storages[str(key)] = tensor.tobytes()
    return pickle_of(items), storages


def write_torch_checkpoint(path: Path, tensors: Mapping[str, np.ndarray]) -> Path:
    """Write a state dictionary as torch.save does."""
    return write_archive(path, *torch_parts(tensors))


def varint(value: int) -> bytes:
    content = b""
    while value > 127:
        content += bytes([value & 127 | 128])
        value >>= 7
    return content + bytes([value])


def message(**fields: int | bytes | list[bytes]) -> bytes:
    """Return a message of protocol buffers; f1=... is its field 1."""
    content = b""
    for key, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            is_number = isinstance(value, int)
            content += varint(int(key[1:]) << 3 | (0 if is_number else 2))
            content += varint(value) if is_number else varint(len(value)) + value
    return content


def crc32c(content: bytes) -> int:
    checksum = 0xFFFFFFFF
    for byte in content:
        checksum ^= byte
        for _ in range(8):
            checksum = checksum >> 1 ^ (0x82F63B78 if checksum & 1 else 0)
    return checksum ^ 0xFFFFFFFF


def block(items: Mapping[bytes, bytes]) -> bytes:
    """Return a block of a LevelDB table, whose keys share their beginnings, without the trailer."""
    content, last = b"", b""
    for key, value in items.items():
        shared = next((i for i, (a, b) in enumerate(zip(key, last, strict=False)) if a != b), min(len(key), len(last)))
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return content + struct.pack("<II", 0, 1)


def table(blocks: list[bytes], *, compression: int = 0) -> bytes:
    """Return a LevelDB table of blocks."""
    content, handles = b"", {}
    for number, part in enumerate(blocks):
        handles[b"%04d" % number] = varint(len(content)) + varint(len(part))
        content += part + _trailer(part, compression)
    index = block(handles)
    footer = varint(0) + varint(0) + varint(len(content)) + varint(len(index))
    return content + index + _trailer(index, compression) + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")


def _trailer(part: bytes, compression: int) -> bytes:
    checksum = crc32c(part + bytes([compression]))
    masked = ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
    return bytes([compression]) + struct.pack("<I", masked)


def tensorflow_parts(tensors: Mapping[str, np.ndarray]) -> tuple[dict[bytes, bytes], bytes]:
    """Return the entries of the index, and the raw values, of a TensorFlow checkpoint."""
    entries, data = {b"": message(f1=1, f3=message(f1=1))}, b""
    for label, tensor in sorted(tensors.items()):
        shape = message(f2=[message(f1=size) for size in tensor.shape])
        entries[label.encode()] = message(f1=1, f2=shape, f4=len(data), f5=tensor.nbytes)
        data += tensor.tobytes()
    return entries, data


def write_wheel(path: Path, prefix: str, index: bytes, data: bytes) -> Path:
    """Write an archive with a TensorFlow checkpoint."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{prefix}.index", index)
        archive.writestr(f"{prefix}.data-00000-of-00001", data)
    return path
