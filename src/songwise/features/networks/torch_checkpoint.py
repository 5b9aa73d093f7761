"""Tensors of a torch checkpoint (a zip archive with a pickle), read without torch and without executing anything.

Python's own unpickler calls whatever a file names. This module has an interpreter of its own for the few operations
that a dictionary of tensors needs. Names in the file select one of our stand-ins; nothing is imported or called.
The format is that of torch.save since 1.6 (https://docs.pytorch.org/docs/stable/notes/serialization.html).
"""

import io
import math
import pickletools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from songwise.features.networks.weights import LARGEST_FILE, MOST_TENSORS, check_size, unusable

_LARGEST_PICKLE = 2 << 20  # bytes; that of mn04 has 35 kB
_MOST_MEMBERS = 2 * MOST_TENSORS
_MOST_AXES = 8
_STORAGES = {"FloatStorage": "<f4", "HalfStorage": "<f2", "LongStorage": "<i8"}


class _Refusal(Exception):  # noqa: N818 - it is not an error of ours
    """What is wrong with a file, as the end of a sentence."""


def read_torch_checkpoint(path: Path) -> dict[str, np.ndarray]:
    """Return the tensors of a torch checkpoint, which must be a plain state dictionary.

    Parameters
    ----------
    path : Path
        A file of torch.save.

    Returns
    -------
    dict of str to ndarray
        Contiguous arrays of float32, float16 or int64, in the file's order.

    Raises
    ------
    InputError
        If the file is missing, corrupt, too large, or contains anything but a dictionary of tensors.
    """
    path = Path(path)
    check_size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = _Members(archive, path.stat().st_size)
            return _tensors(_Pickle(members.read("data.pkl", _LARGEST_PICKLE)).value(), members)
    except _Refusal as error:
        raise unusable(path, str(error)) from None
    except MemoryError:
        raise unusable(path, "needs more memory than there is") from None
    # Forged and truncated content makes zipfile and pickletools fail in many ways.
    except Exception as error:
        raise unusable(path, f"is not a torch checkpoint, or is corrupt ({_brief(error)})") from None


class _Members:
    """The members of a checkpoint's archive: not compressed, unique, below one folder."""

    def __init__(self, archive: zipfile.ZipFile, size: int):
        entries = archive.infolist()
        if not 0 < len(entries) <= _MOST_MEMBERS:
            raise _Refusal(f"has {len(entries):,} members; a checkpoint has 1 to {_MOST_MEMBERS:,}")
        self._archive = archive
        self._entries = {entry.filename: entry for entry in entries}
        if len(self._entries) < len(entries):
            raise _Refusal("has two members of the same name")
        if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
            raise _Refusal("has compressed or encrypted members, which torch does not write")
        # Members that overlap would make more bytes out of few.
        self.bytes = sum(entry.file_size for entry in entries)
        if self.bytes > size:
            raise _Refusal("has members that are larger than the file")
        folders = [name.removesuffix("/data.pkl") for name in self._entries if name.endswith("/data.pkl")]
        if len(folders) != 1:
            raise _Refusal("is not a torch checkpoint, because it does not have exactly one data.pkl")
        self._folder = folders[0]
        if f"{self._folder}/byteorder" in self._entries and self.read("byteorder", 16) != b"little":
            raise _Refusal("has another byte order than little")

    def read(self, name: str, largest: int, exactly: int | None = None) -> bytes:
        """Return the bytes of a member, whose name is only compared with those in the archive."""
        entry = self._entries.get(f"{self._folder}/{name}")
        if entry is None:
            raise _Refusal(f"lacks the member {name}")
        if entry.file_size > largest or exactly not in (None, entry.file_size):
            raise _Refusal(f"has the member {name} with {entry.file_size:,} bytes instead of {exactly or largest:,}")
        return self._archive.read(entry)


class _Storage(NamedTuple):
    """Values of one type in one member."""

    key: str
    dtype: str
    values: int


class _Tensor(NamedTuple):
    """A view of a storage; offset and strides count values."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Size in memory."""
        return math.prod(self.shape) * np.dtype(self.storage.dtype).itemsize


class _Mark:
    """Where the items of a tuple or dictionary begin on the stack."""


class _Rebuild:
    """Stand-in for torch._utils._rebuild_tensor_v2."""


class _OrderedDict:
    """Stand-in for the class collections.OrderedDict."""


class _StorageType(NamedTuple):
    """Stand-in for a class such as torch.FloatStorage."""

    dtype: str


_STAND_INS: dict[str, object] = {
    "collections OrderedDict": _OrderedDict(),
    "torch._utils _rebuild_tensor_v2": _Rebuild(),
    **{f"torch {name}": _StorageType(dtype) for name, dtype in _STORAGES.items()},
}


@dataclass
class _Pickle:
    """An interpreter of the pickle operations that a dictionary of tensors needs; all others are refused."""

    content: bytes
    _stack: list = field(default_factory=list)
    _memo: dict = field(default_factory=dict)

    def value(self) -> object:
        """Return the value that the pickle describes."""
        stream = io.BytesIO(self.content)
        while code := stream.read(1):
            operation = pickletools.code2op.get(code.decode("latin-1"))
            name = operation.name if operation else repr(code)
            if name == "STOP":
                if len(self._stack) != 1:
                    raise _Refusal("has a pickle that leaves other than one value")
                return self._stack[0]
            if name not in _KNOWN:
                raise _Refusal(f"has the pickle operation {name}, which a dictionary of tensors does not need")
            argument = _argument(operation, stream)
            if name in _CONSTANTS:
                self._stack.append(_CONSTANTS[name])
            elif name in _LITERALS:
                self._stack.append(argument)
            else:
                _OPERATIONS[name](self, argument)
        raise _Refusal("has a pickle without an end")

    def _pop(self) -> object:
        if not self._stack:
            raise _Refusal("has a pickle that takes more values than it has")
        return self._stack.pop()

    def _pop_to_mark(self) -> list:
        for index in range(len(self._stack) - 1, -1, -1):
            if isinstance(self._stack[index], _Mark):
                items = self._stack[index + 1 :]
                del self._stack[index:]
                return items
        raise _Refusal("has a pickle that takes more values than it has")

    def _ignore(self, argument: object) -> None:
        pass

    def _mark(self, argument: object) -> None:
        self._stack.append(_Mark())

    def _dictionary(self, argument: object) -> None:
        self._stack.append({})

    def _put(self, index: int | None) -> None:
        value = self._pop()
        self._stack.append(value)
        self._memo[len(self._memo) if index is None else index] = value

    def _get(self, index: int) -> None:
        if index not in self._memo:
            raise _Refusal("has a pickle that refers to a value before it")
        self._stack.append(self._memo[index])

    def _tuple(self, argument: object) -> None:
        self._stack.append(tuple(self._pop_to_mark()))

    def _tuple_of(self, size: int) -> None:
        self._stack.append(tuple([self._pop() for _ in range(size)][::-1]))

    def _global(self, name: str) -> None:
        if name not in _STAND_INS:
            raise _Refusal(
                f"contains {name.replace(' ', '.', 1)[:80]!a}, which songwise does not load, because weights must "
                "not be able to execute anything"
            )
        self._stack.append(_STAND_INS[name])

    def _stack_global(self, argument: object) -> None:
        name, module = self._pop(), self._pop()
        if not (isinstance(name, str) and isinstance(module, str)):
            raise _Refusal("has a pickle that names something by a value that is not text")
        self._global(f"{module} {name}")

    def _set_item(self, argument: object) -> None:
        value, key = self._pop(), self._pop()
        self._update([key, value])

    def _set_items(self, argument: object) -> None:
        self._update(self._pop_to_mark())

    def _update(self, items: list) -> None:
        target = self._stack[-1] if self._stack else None
        if not isinstance(target, dict) or len(items) % 2:
            raise _Refusal("has a pickle that sets items of something that is not a dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Keys of text alone: hashing nested tuples can take for ever.
            if not isinstance(key, str):
                raise _Refusal("has a dictionary with keys that are not text")
            target[key] = value

    def _build(self, argument: object) -> None:
        # torch attaches the versions of modules to the dictionary, which no tensor depends on.
        state = self._pop()
        target = self._stack[-1] if self._stack else None
        if not (isinstance(target, dict) and isinstance(state, dict) and state.keys() <= {"_metadata"}):
            raise _Refusal("has a pickle that sets the state of an object")

    def _reduce(self, argument: object) -> None:
        arguments, function = self._pop(), self._pop()
        if isinstance(function, _OrderedDict) and arguments == ():
            self._stack.append({})
        elif isinstance(function, _Rebuild) and isinstance(arguments, tuple):
            self._stack.append(_tensor_of(arguments))
        else:
            raise _Refusal("has a pickle that calls something with unknown arguments")

    def _persistent(self, argument: object) -> None:
        self._stack.append(_storage_of(self._pop()))


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_LITERALS = {"BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1"}
_OPERATIONS: dict[str, Callable[[_Pickle, object], None]] = {
    "PROTO": _Pickle._ignore,
    "FRAME": _Pickle._ignore,
    "MARK": _Pickle._mark,
    "EMPTY_DICT": _Pickle._dictionary,
    "BINPUT": _Pickle._put,
    "LONG_BINPUT": _Pickle._put,
    "MEMOIZE": _Pickle._put,
    "BINGET": _Pickle._get,
    "LONG_BINGET": _Pickle._get,
    "TUPLE": _Pickle._tuple,
    "TUPLE1": lambda pickle, _: pickle._tuple_of(1),
    "TUPLE2": lambda pickle, _: pickle._tuple_of(2),
    "TUPLE3": lambda pickle, _: pickle._tuple_of(3),
    "GLOBAL": _Pickle._global,
    "STACK_GLOBAL": _Pickle._stack_global,
    "SETITEM": _Pickle._set_item,
    "SETITEMS": _Pickle._set_items,
    "BUILD": _Pickle._build,
    "REDUCE": _Pickle._reduce,
    "BINPERSID": _Pickle._persistent,
}
_KNOWN = _CONSTANTS.keys() | _LITERALS | _OPERATIONS.keys()


def _argument(operation: pickletools.OpcodeInfo, stream: io.BytesIO) -> object:
    """Return what follows an operation in the pickle."""
    if operation.name == "GLOBAL":  # pickletools would interpret escapes in the two lines
        return " ".join(stream.readline().removesuffix(b"\n").decode() for _ in range(2))
    return operation.arg.reader(stream) if operation.arg else None


def _storage_of(identifier: object) -> _Storage:
    """Return a storage from its persistent identifier: ("storage", type, key, device, number of values)."""
    if isinstance(identifier, tuple) and len(identifier) == 5:
        kind, dtype, key, device, values = identifier
        if (
            isinstance(kind, str)
            and kind == "storage"
            and isinstance(dtype, _StorageType)
            and isinstance(key, str)
            and key.isascii()
            and key.isdigit()
            and isinstance(device, str)
            and _are_sizes((values,))
        ):
            return _Storage(key, dtype.dtype, values)
    raise _Refusal("refers to something that is not the storage of a tensor")


def _tensor_of(arguments: tuple) -> _Tensor:
    """Return a view from the arguments of _rebuild_tensor_v2, if it is inside its storage."""
    if len(arguments) != 6 or not isinstance(arguments[0], _Storage):
        raise _Refusal("has a tensor without a storage")
    storage, offset, shape, strides = arguments[:4]
    if not (_are_sizes((offset,)) and _are_sizes(shape) and _are_sizes(strides) and len(shape) == len(strides)):
        raise _Refusal("has a tensor whose shape or strides are not valid")
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    values = math.prod(shape)
    # As many values as the storage at most: a stride of 0 would repeat few values without end.
    if values > storage.values or (values and last >= storage.values):
        raise _Refusal("has a tensor that reaches beyond its storage")
    return _Tensor(storage, offset, shape, strides)


def _are_sizes(values: object) -> bool:
    return (
        isinstance(values, tuple)
        and len(values) <= _MOST_AXES
        and all(type(value) is int and 0 <= value <= LARGEST_FILE for value in values)
    )


def _tensors(value: object, members: _Members) -> dict[str, np.ndarray]:
    if not isinstance(value, dict) or not all(isinstance(item, _Tensor) for item in value.values()):
        raise _Refusal("is not a dictionary of tensors (a whole model or a training state cannot be used)")
    if not 0 < len(value) <= MOST_TENSORS:
        raise _Refusal(f"has {len(value):,} tensors; networks have 1 to {MOST_TENSORS:,}")
    # Many tensors of one storage would make more bytes out of few.
    if sum(tensor.bytes for tensor in value.values()) > members.bytes:
        raise _Refusal("has tensors that are larger than the file")
    return {name: _array(tensor, members) for name, tensor in value.items()}


def _array(tensor: _Tensor, members: _Members) -> np.ndarray:
    storage, dtype = tensor.storage, np.dtype(tensor.storage.dtype)
    size = storage.values * dtype.itemsize
    values = np.frombuffer(members.read(f"data/{storage.key}", size, exactly=size), dtype)
    if 0 in tensor.shape:
        return np.zeros(tensor.shape, dtype)
    strides = [stride * dtype.itemsize for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides, writeable=False)
    return np.array(view, order="C")


def _brief(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:120]
