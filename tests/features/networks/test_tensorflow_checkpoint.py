"""A TensorFlow checkpoint is read without TensorFlow; a forged one is refused in one sentence."""

import struct
import time
import warnings
import zipfile

import numpy as np
import pytest
from helpers.checkpoints import block, crc32c, message, table, tensorflow_parts, varint, write_wheel
from helpers.networks import musicnn_wheel

from songwise.errors import InputError
from songwise.features.networks.tensorflow_checkpoint import read_tensorflow_checkpoint

PREFIX = "net/model/"
HEADER = {b"": message(f1=1, f3=message(f1=1))}
SHAPE = message(f2=[message(f1=2), message(f1=3)])
GOOD = {b"a": message(f1=1, f2=SHAPE, f4=0, f5=24)}
DATA = np.arange(6, dtype=np.float32).tobytes()


def write(path, entries=None, data: bytes = DATA, *, index: bytes | None = None):
    index = table([block(HEADER | entries)]) if index is None else index
    return write_wheel(path / "net.whl", PREFIX, index, data)


def refusal(path) -> str:
    """Return the message for a file, which must be one short sentence that names it and what to do."""
    with pytest.raises(InputError) as caught:
        read_tensorflow_checkpoint(path, PREFIX)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message and len(message) < len(str(path)) + 400
    assert "Get the" in message and message.isascii()
    return message


def test_the_checksum_is_that_of_the_standard():
    assert crc32c(b"123456789") == 0xE3069283


def test_tensors_have_their_names_shapes_and_values(tmp_path):
    rng = np.random.default_rng(0)
    shapes = {"conv2d/kernel": (7, 38, 1, 4), "conv2d/bias": (4,), "conv2d_1/bias": (3,), "power": (), "none": (0, 2)}
    tensors = {label: rng.normal(size=shape).astype(np.float32) for label, shape in shapes.items()}
    entries, data = tensorflow_parts(tensors)
    read = read_tensorflow_checkpoint(write(tmp_path, entries, data), PREFIX)
    assert list(read) == sorted(tensors)
    for label, tensor in tensors.items():
        assert read[label].dtype == np.float32
        np.testing.assert_array_equal(read[label], tensor)


def test_a_table_may_have_several_blocks(tmp_path):
    blocks = [block(HEADER), block(GOOD), block({b"b": message(f1=1, f4=20, f5=4)})]
    read = read_tensorflow_checkpoint(write(tmp_path, index=table(blocks), data=DATA + DATA), PREFIX)
    assert read["a"].tolist() == [[0, 1, 2], [3, 4, 5]] and read["b"] == 5


def test_tensors_of_other_types_are_left_out(tmp_path):
    entries = GOOD | {b"step": message(f1=9, f4=24, f5=8)}
    assert list(read_tensorflow_checkpoint(write(tmp_path, entries), PREFIX)) == ["a"]


def test_musicnn_has_150_tensors_of_which_two_thirds_are_the_optimisers():
    tensors = read_tensorflow_checkpoint(musicnn_wheel(), "musicnn/MSD_musicnn/")
    own = {label: tensor for label, tensor in tensors.items() if "Adam" not in label and "_power" not in label}
    assert len(tensors) == 150 and len(own) == 64
    assert tensors["conv2d_5/kernel"].shape == (7, 561, 1, 64)
    assert all(np.isfinite(tensor).all() for tensor in own.values())
    np.testing.assert_allclose(tensors["batch_normalization/gamma"], [0.5535692], rtol=1e-6)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (message(f1=1, f2=SHAPE, f4=1, f5=24), "beyond the end"),
        (message(f1=1, f2=SHAPE, f4=2**63, f5=24), "beyond the end"),
        (message(f1=1, f2=SHAPE, f4=0, f5=20), "beyond the end"),
        (message(f1=1, f2=SHAPE, f4=0, f5=2**63), "larger than its data"),
        (message(f1=1, f2=message(f2=[message(f1=2**62)]), f5=24), "beyond the end"),
        (message(f1=1, f2=message(f2=[message(f1=2**64 - 6)]), f5=24), "beyond the end"),
        (message(f1=1, f2=message(f2=[message(f1=1)] * 9), f5=4), "several parts"),
        (message(f1=1, f2=message(f2=[message(f1=2), 3]), f5=24), "not known"),
        (message(f1=1, f2=message(f2=[message(f1=24)], f3=1), f5=24), "not known"),
        (message(f1=1, f2=message(f2=[message(f1=b"24")]), f5=24), "not valid"),
        (message(f1=1, f2=24, f5=24), "without a shape"),
        (message(f1=1, f2=SHAPE, f3=1, f5=24), "several parts"),
        (message(f1=1, f2=SHAPE, f5=24, f7=b""), "several parts"),
        (message(f1=b"1", f2=SHAPE, f5=24), "not valid"),
        (message(f1=1, f2=SHAPE, f5=24) + b"\x2b", "not valid"),
        (message(f1=1, f2=SHAPE, f5=24) + b"\x22\x7f", "too early"),
        (message(f1=1, f2=SHAPE, f5=24) + b"\xff" * 12, "too long"),
        (b"\xff", "too early"),
    ],
)
def test_an_entry_beyond_the_data_or_of_another_form_is_refused(entry, words, tmp_path):
    assert words in refusal(write(tmp_path, {b"a": entry}))


@pytest.mark.parametrize("header", [message(f1=2), message(f1=1, f2=1), message(f1=2**40)])
def test_several_files_of_data_and_another_byte_order_are_refused(header, tmp_path):
    assert "several files" in refusal(write(tmp_path, index=table([block({b"": header} | GOOD)])))


def test_tensors_may_not_share_bytes(tmp_path):
    entries = {b"a%04d" % number: GOOD[b"a"] for number in range(5000)}
    assert "larger than its data" in refusal(write(tmp_path, entries))


def test_too_many_tensors_are_refused(tmp_path):
    entries = {b"a%05d" % number: message(f1=1, f2=message(f2=[message(f1=0)])) for number in range(10_001)}
    assert "tensors" in refusal(write(tmp_path, entries))
    assert "0 tensors" in refusal(write(tmp_path, {}))


def test_a_wrong_checksum_is_refused(tmp_path):
    index = bytearray(table([block(HEADER | GOOD)]))
    index[12] ^= 1
    assert "checksum" in refusal(write(tmp_path, index=bytes(index)))


def test_a_compressed_index_is_refused(tmp_path):
    assert "compressed" in refusal(write(tmp_path, index=table([block(HEADER | GOOD)], compression=1)))


def test_blocks_that_overlap_or_repeat_names_are_refused(tmp_path):
    good = block(GOOD)
    assert "not in order" in refusal(write(tmp_path, index=table([good, good])))
    entries = block({b"%06d" % number: varint(0) + varint(len(good)) for number in range(30_000)})
    whole = table([good])[: len(good) + 5] + table([entries])[: len(entries) + 5]
    footer = varint(0) * 2 + varint(len(good) + 5) + varint(len(entries))
    start = time.perf_counter()
    forged = whole + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")
    assert "overlap" in refusal(write(tmp_path, index=forged))
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize(
    "footer",
    [
        varint(0) * 2 + varint(2**63) + varint(10),
        varint(0) * 2 + varint(0) + varint(2**63),
        varint(0) * 2 + varint(0) + varint(3),
        varint(0) * 2 + varint(10**6) + varint(10),
        b"\xff" * 40,
        b"",
    ],
)
def test_a_block_beyond_the_index_is_refused(footer, tmp_path):
    index = table([block(HEADER | GOOD)])[:-48] + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")
    refusal(write(tmp_path, index=index))


def test_keys_must_continue_the_key_before(tmp_path):
    for content in (varint(5) + varint(1) + varint(0) + b"a", varint(0) + varint(9999) + varint(0)):
        refusal(write(tmp_path, index=table([content + struct.pack("<II", 0, 1)])))
    assert "too long" in refusal(write(tmp_path, {b"a" * 1001: GOOD[b"a"]}))
    refusal(write(tmp_path, index=table([block(GOOD)[:-4] + struct.pack("<I", 2**31)])))
    refusal(write(tmp_path, {b"\xff": GOOD[b"a"]}))


def test_a_bomb_of_zeros_is_refused_by_its_size(tmp_path):
    path = write(tmp_path, index=bytes(30_000_000))
    assert path.stat().st_size < 100_000
    assert "30,000,000 bytes" in refusal(path)


def test_a_member_that_expands_to_more_than_it_states_is_refused(tmp_path):
    path = write(tmp_path, GOOD, data=bytes(3_000_000))
    forged = path.read_bytes().replace((3_000_000).to_bytes(4, "little"), (24).to_bytes(4, "little"))
    path.write_bytes(forged)
    refusal(path)


def test_missing_and_repeated_members_are_refused(tmp_path):
    path = write(tmp_path, GOOD)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(f"{PREFIX}.index", b"")
    assert "2 members net/model/.index" in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other", b"")
    assert "0 members net/model/.index" in refusal(path)


def test_missing_empty_and_other_files_are_refused(tmp_path):
    path = tmp_path / "net.whl"
    assert "file not found" in refusal(path)
    for content in (b"", b"PK\x05\x06", b"<html>404</html>", bytes(1000)):
        path.write_bytes(content)
        refusal(path)


def test_truncated_files_are_refused(tmp_path):
    path = write(tmp_path, GOOD)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        refusal(path)


def test_random_edits_give_tensors_or_one_sentence(tmp_path):
    rng = np.random.default_rng(1)
    content = block(HEADER | GOOD | {b"ab": message(f1=1, f2=SHAPE, f4=24, f5=24)})
    for _ in range(1000):
        forged = bytearray(content)
        for position in rng.integers(len(content), size=rng.integers(1, 4)):
            forged[position] = rng.integers(256)
        path = write(tmp_path, index=table([bytes(forged)]), data=DATA + DATA)
        try:
            tensors = read_tensorflow_checkpoint(path, PREFIX)
        except InputError as error:
            assert str(error).startswith(f"{path}: ")
        else:
            assert all(tensor.nbytes <= 48 for tensor in tensors.values())
