"""A torch checkpoint is read without torch; nothing that a forged one contains is executed or fills the memory."""

import os
import pickle
import resource
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from helpers.checkpoints import (
    name,
    number,
    numbers,
    pickle_of,
    storage,
    text,
    torch_parts,
    view,
    write_archive,
    write_torch_checkpoint,
)
from helpers.networks import shared_model

from songwise.errors import InputError
from songwise.features.networks.torch_checkpoint import read_torch_checkpoint

VALUES = np.arange(6, dtype=np.float32)
STORED = {"0": VALUES.tobytes()}


def write(path, content: bytes, storages=None):
    return write_archive(path / "net.pt", content, STORED if storages is None else storages)


def refusal(path) -> str:
    """Return the message for a file, which must be one short sentence that names it and what to do."""
    with pytest.raises(InputError) as caught:
        read_torch_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message and len(message) < len(str(path)) + 400
    assert "Get the" in message and message.isascii()
    return message


def one(value: bytes) -> bytes:
    return pickle_of({"weight": value})


def test_tensors_have_their_names_shapes_types_and_values(tmp_path):
    rng = np.random.default_rng(0)
    tensors = {
        "features.0.weight": rng.normal(size=(3, 1, 5, 5)).astype(np.float32),
        "half": rng.normal(size=(4, 2)).astype(np.float16),
        "num_batches_tracked": np.array(7, dtype=np.int64),
        "empty": np.zeros((0, 3), dtype=np.float32),
    }
    read = read_torch_checkpoint(write_torch_checkpoint(tmp_path / "net.pt", tensors))
    assert list(read) == list(tensors)
    for label, tensor in tensors.items():
        assert read[label].dtype == tensor.dtype and read[label].flags.c_contiguous
        np.testing.assert_array_equal(read[label], tensor)


def test_views_follow_offset_and_strides(tmp_path):
    items = {"transposed": view(storage("0", 6), (3, 2), (1, 3)), "end": view(storage("0", 6), (2,), (1,), offset=4)}
    storages = {"0": VALUES.tobytes(), "9": bytes(100)}
    read = read_torch_checkpoint(write(tmp_path, pickle_of(items), storages))
    np.testing.assert_array_equal(read["transposed"], VALUES.reshape(2, 3).T)
    np.testing.assert_array_equal(read["end"], [4, 5])
    assert read["transposed"].flags.c_contiguous


def test_versions_of_modules_do_not_matter(tmp_path):
    metadata = b"}" + text("_metadata") + name("collections", "OrderedDict") + b")Rs" + b"b"
    content = b"\x80\x02" + name("collections", "OrderedDict") + b")R(" + text("a")
    content += view(storage("0", 6), (6,), (1,)) + b"u" + metadata + b"."
    np.testing.assert_array_equal(read_torch_checkpoint(write(tmp_path, content))["a"], VALUES)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_checkpoints_of_torch_itself_are_read(protocol, tmp_path):
    torch = pytest.importorskip("torch")
    layers = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 3).half())
    state = layers.state_dict()
    torch.save(state, tmp_path / "net.pt", pickle_protocol=protocol)
    read = read_torch_checkpoint(tmp_path / "net.pt")
    assert list(read) == list(state)
    for label, tensor in state.items():
        np.testing.assert_array_equal(read[label], tensor.numpy())


def test_the_published_network_has_312_tensors():
    path = shared_model("mn04_as_mAP_432.pt")
    tensors = read_torch_checkpoint(path)
    assert len(tensors) == 312
    assert sum(tensor.size for tensor in tensors.values() if tensor.dtype.kind == "f") == 993_439
    torch = pytest.importorskip("torch")
    for label, tensor in torch.load(path, weights_only=True).items():
        np.testing.assert_array_equal(tensors[label], tensor.numpy())


class Call:
    """Anything that a pickle can call with arguments."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("call", "named"),
    [
        (Call(os.system, "touch harmed"), ".system"),
        (Call(eval, "open('harmed', 'w')"), "eval"),
        (Call(exec, "open('harmed', 'w')"), "exec"),
        (Call(__import__, "antigravity"), "__import__"),
        (Call(getattr, os, "system"), ""),
        (Call(os.mkdir, "harmed"), ".mkdir"),
        (Call(pickle.loads, b"cposix\nsystem\n(Vtouch harmed\ntR."), ""),
    ],
    ids=["system", "eval", "exec", "import", "getattr", "mkdir", "pickle"],
)
def test_nothing_is_called(call, named, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        content = pickle.dumps({"weight": call}, protocol=protocol)
    except TypeError:  # a module cannot be pickled: its name is
        content = pickle.dumps({"weight": Call(getattr, "os", "system")}, protocol=protocol)
    message = refusal(write(tmp_path, content))
    assert protocol < 2 or named in message
    assert [path.name for path in tmp_path.iterdir()] == ["net.pt"]


@pytest.mark.parametrize(
    ("module", "attribute"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("torch", "load"),
        ("torch", "DoubleStorage"),
        ("torch.storage", "_load_from_bytes"),
        ("torch._utils", "_rebuild_parameter"),
        ("torch._utils _rebuild_tensor_v2", ""),
        ("collections", "OrderedDict.fromkeys"),
        ("collections", "namedtuple"),
        ("functools", "partial"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("songwise.errors", "InputError"),
    ],
)
def test_other_names_are_refused_by_name(module, attribute, tmp_path):
    by_line = name(module, attribute)
    on_stack = text(module) + text(attribute) + b"\x93"
    for content in (one(by_line), one(on_stack), one(by_line + b")R")):
        assert "must not be able to execute anything" in refusal(write(tmp_path, content))


REBUILD, DICTIONARY = name("torch._utils", "_rebuild_tensor_v2"), name("collections", "OrderedDict")


@pytest.mark.parametrize(
    "content",
    {
        "a stand-in as a tensor": one(REBUILD),
        "a dictionary with items": one(DICTIONARY + b"((" + text("a") + number(1) + b"ttR"),
        "a storage type is called": one(name("torch", "FloatStorage") + b")R"),
        "a tensor is called": one(view(storage("0", 6), (6,), (1,)) + b")R"),
        "text is called": one(text("os.system") + b")R"),
        "arguments that are a number": one(REBUILD + number(1) + b"R"),
        "no arguments": one(REBUILD + b")R"),
        "the state of a stand-in": one(REBUILD + b"}" + text("__call__") + number(1) + b"sb"),
        "the state of a dictionary": pickle_of({}, b"}" + text("__class__") + number(1) + b"sb"),
        "the state of a tensor": one(view(storage("0", 6), (6,), (1,)) + b"}" + text("storage") + number(1) + b"sb"),
        "slots": pickle_of({}, b"(N}" + text("_metadata") + number(1) + b"stb"),
        "an extension code": one(b"\x82\x01"),
        "an instance": one(b"(ios\nsystem\n"),
        "an object": one(b"(" + name("os", "system") + b"o"),
        "a new object": one(DICTIONARY + b")\x81"),
        "a list": b"\x80\x02](" + text("a") + b"e.",
        "a number": one(number(1)),
        "a nested dictionary": one(b"}"),
        "keys that are numbers": b"\x80\x02}(" + number(1) + view(storage("0", 6), (6,), (1,)) + b"u.",
        "keys that are tuples": b"\x80\x02}(" + b")\x85\x85" + view(storage("0", 6), (6,), (1,)) + b"u.",
        "a key without a value": b"\x80\x02}(" + text("a") + b"u.",
        "an empty dictionary": b"\x80\x02}.",
        "nothing": b"\x80\x02.",
        "two values": b"\x80\x02}}.",
        "no end": b"\x80\x02}",
        "not a pickle": b"\xff\xfe not a pickle",
        "empty": b"",
        "an empty stack": b"\x80\x020R.",
        "no mark": b"\x80\x02}u.",
        "a set item on nothing": b"\x80\x02NNs.",
        "an unknown memo": b"\x80\x02h\x05.",
        "text that is cut": b"\x80\x02X\xff\xff\xff\x7fabc",
        "a huge text": b"\x80\x04\x8d" + (2**62).to_bytes(8, "little"),
        "huge bytes": b"\x80\x04\x8e" + (2**62).to_bytes(8, "little"),
        "a huge frame": b"\x80\x04\x95" + (2**62).to_bytes(8, "little"),
        "a huge number": b"\x80\x02\x8b\xff\xff\xff\x7f",
        "a text persistent identifier": one(b"Pstorage\n"),
    }.items(),
    ids=lambda item: item[0],
)
def test_other_operations_and_arguments_are_refused(content, tmp_path):
    refusal(write(tmp_path, content[1]))


@pytest.mark.parametrize(
    "identifier",
    [
        text("storage"),
        number(0),
        b")",
        b"(" + text("storage") + text("FloatStorage") + text("0") + text("cpu") + number(6) + b"t",
        b"(" + text("module") + name("torch", "FloatStorage") + text("0") + text("cpu") + number(6) + b"t",
        b"(" + text("storage") + DICTIONARY + text("0") + text("cpu") + number(6) + b"t",
        b"(" + text("storage") + name("torch", "FloatStorage") + number(0) + text("cpu") + number(6) + b"t",
        b"(" + text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu") + number(-6) + b"t",
        b"(" + text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu") + b"\x88t",
        b"(" + text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu") + number(2**64) + b"t",
        b"(" + text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu") + text("6") + b"t",
        *(
            b"(" + text("storage") + name("torch", "FloatStorage") + text(key) + text("cpu") + number(6) + b"t"
            for key in ("../data.pkl", "/etc/passwd", "", "0/../0", "-1", "\u0660", "0\0")
        ),
    ],
)
def test_a_wrong_persistent_identifier_is_refused(identifier, tmp_path):
    assert "not the storage" in refusal(write(tmp_path, one(view(identifier + b"Q", (6,), (1,)))))


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((7,), (1,), 0),
        ((6,), (1,), 1),
        ((6,), (2,), 0),
        ((2, 3), (4, 1), 0),
        ((2,), (2**40,), 0),
        ((2,), (-1,), 1),
        ((-2,), (1,), 0),
        ((-1, -6), (6, 1), 0),
        ((1,), (1,), -1),
        ((1,), (1,), 6),
        ((1,), (1,), 2**63),
        ((2**31,), (0,), 0),
        ((100, 100), (0, 0), 0),
        ((2**33, 0), (0, 1), 0),
        ((6,), (1, 1), 0),
        ((6,), (), 0),
        ((1,) * 9, (1,) * 9, 0),
    ],
)
def test_a_view_beyond_its_storage_is_refused(shape, strides, offset, tmp_path):
    message = refusal(write(tmp_path, one(view(storage("0", 6), shape, strides, offset))))
    assert "beyond its storage" in message or "not valid" in message


def test_shapes_must_be_tuples_of_numbers(tmp_path):
    hooks = b"\x89" + DICTIONARY + b")R"
    for shape in (text("6"), number(6), b"N", b"(" + text("6") + b"t", b"(\x88t", b"(" + storage("0", 6) + b"t"):
        arguments = storage("0", 6) + number(0) + shape + numbers([1]) + hooks
        assert "not valid" in refusal(write(tmp_path, one(REBUILD + b"(" + arguments + b"tR")))


def test_missing_and_short_storages_are_refused(tmp_path):
    content = one(view(storage("0", 6), (6,), (1,)))
    assert "lacks the member data/0" in refusal(write(tmp_path, content, {}))
    assert "instead of 24" in refusal(write(tmp_path, content, {"0": bytes(23)}))
    assert "instead of 24" in refusal(write(tmp_path, content, {"0": bytes(25)}))
    assert "lacks the member" in refusal(write(tmp_path, content, {"00": bytes(24), "../0": bytes(24)}))


def test_values_are_of_the_stated_type(tmp_path):
    content = one(view(storage("0", 6, "LongStorage"), (6,), (1,)))
    assert "instead of 48" in refusal(write(tmp_path, content))


def test_a_storage_that_is_repeated_does_not_fill_the_memory(tmp_path):
    values = 250_000
    items = {f"t{number}": view(storage("0", values), (values,), (1,)) for number in range(5000)}
    path = write(tmp_path, pickle_of(items), {"0": bytes(4 * values)})
    tracemalloc.start()
    assert "larger than the file" in refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02" + b")" + b"\x85" * 1_000_000 + b".",
        b"\x80\x02" + b"(" * 1_000_000 + b"t" * 1_000_000 + b".",
        b"\x80\x02" + b"N" * 1_000_000 + b".",
        b"\x80\x02)" + b"q\x00h\x00\x86" * 100_000 + b".",
        b"\x80\x02}r\xff\xff\xff\x7f" + b"r\xff\xff\xff\xff" * 1000 + b".",
        b"\x80\x02}(" + text("a") + b"}" * 300_000 + b"u.",
        b"I" + b"9" * 1_000_000 + b"\n.",
        b"\x80\x02" + b"N" * 3_000_000 + b".",
    ],
    ids=["deep tuple", "marks", "wide", "doubling", "memo", "dictionaries", "digits", "too large"],
)
def test_deep_wide_and_doubling_pickles_neither_hang_nor_fill_the_memory(content, tmp_path):
    path = write(tmp_path, content)
    start = resource.getrusage(resource.RUSAGE_SELF)
    refusal(path)
    end = resource.getrusage(resource.RUSAGE_SELF)
    assert end.ru_utime - start.ru_utime < 20
    assert end.ru_maxrss - start.ru_maxrss < 500_000  # kB; bytes on macOS, where the test is stricter


def test_compressed_members_are_refused(tmp_path):
    content = one(view(storage("0", 25_000_000), (25_000_000,), (1,)))
    storages = {"0": bytes(100_000_000)}
    path = write_archive(tmp_path / "net.pt", content, storages, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1e6
    assert "compressed" in refusal(path)


def test_a_member_that_states_more_bytes_than_the_file_has_is_refused(tmp_path):
    content = one(view(storage("0", 6), (6,), (1,)))
    path = write(tmp_path, content)
    stated = path.read_bytes().replace((24).to_bytes(4, "little") * 2, (2**31 - 1).to_bytes(4, "little") * 2)
    path.write_bytes(stated)
    assert "larger than the file" in refusal(path)


def test_members_of_the_same_name_are_refused(tmp_path):
    content = one(view(storage("0", 6), (6,), (1,)))
    for label in ("archive/data/0", "archive/data.pkl"):
        path = write(tmp_path, content)
        with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
            warnings.simplefilter("ignore")
            archive.writestr(label, bytes(24))
        assert "same name" in refusal(path)


def test_there_is_exactly_one_pickle_and_one_byte_order(tmp_path):
    content = one(view(storage("0", 6), (6,), (1,)))
    for label, value, words in (
        ("other/data.pkl", content, "exactly one"),
        ("archive/byteorder", b"big", "byte order"),
    ):
        path = write(tmp_path, content)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(label, value)
        assert words in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "")
    assert "not a torch checkpoint" in refusal(path)


def test_too_many_members_are_refused(tmp_path):
    path = write(tmp_path, one(b"N"), {str(number): b"" for number in range(20_001)})
    assert "members" in refusal(path)


def test_missing_empty_and_other_files_are_refused(tmp_path):
    path = tmp_path / "net.pt"
    assert "file not found" in refusal(path)
    for content in (b"", b"PK\x03\x04", b"RIFF", pickle.dumps([1]), b"<html>404</html>", bytes(1000)):
        path.write_bytes(content)
        refusal(path)


def test_truncated_and_damaged_files_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    tensors = {f"layer{number}": rng.normal(size=(3, 4)).astype(np.float32) for number in range(5)}
    path = write_torch_checkpoint(tmp_path / "net.pt", tensors)
    whole = path.read_bytes()
    for size in range(0, len(whole), 29):
        path.write_bytes(whole[:size])
        refusal(path)
    for position in rng.integers(len(whole), size=300):
        path.write_bytes(whole[:position] + bytes([rng.integers(256)]) + whole[position + 1 :])
        read_or_refuse(path)


def test_random_edits_of_the_pickle_give_tensors_or_one_sentence(tmp_path):
    rng = np.random.default_rng(1)
    content, storages = torch_parts({f"w{number}": np.zeros((2, 3), dtype=np.float32) for number in range(3)})
    content += b"." * 8
    for _ in range(2000):
        forged = bytearray(content)
        for position in rng.integers(len(content), size=rng.integers(1, 4)):
            forged[position] = rng.integers(256)
        read_or_refuse(write(tmp_path, bytes(forged), storages))


def read_or_refuse(path) -> None:
    try:
        tensors = read_torch_checkpoint(path)
    except InputError as error:
        assert str(error).startswith(f"{path}: ")
    else:
        assert all(isinstance(tensor, np.ndarray) and tensor.nbytes < 1e4 for tensor in tensors.values())
