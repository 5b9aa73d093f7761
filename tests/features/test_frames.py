"""Frames are read as they were written, from the file and not from memory, and a bad file is named."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from helpers.sound import RATE, tone
from pyarrow import ipc

from songwise.errors import InputError
from songwise.features.frames import Frames, FramesWriter
from songwise.runtime import numba_cache  # noqa: F401  (numba's cache, before librosa)

FAMILIES = {"log_mel": {"n": 128}, "mfcc": {"n": 20}}


def preset(dtype: str = "float16", **families) -> dict:
    return {"name": "sequences", "frames": {"dtype": dtype, "families": families or FAMILIES}}


def matrices(seconds: float, hertz: float) -> dict[str, np.ndarray]:
    """Log-mel in dB and MFCC of real audio, as the engine hands them over: (rows, frames)."""
    import librosa

    log_mel = librosa.power_to_db(librosa.feature.melspectrogram(y=tone(seconds, hertz).astype(np.float32), sr=RATE))
    return {"log_mel": log_mel, "mfcc": librosa.feature.mfcc(S=log_mel), "not asked for": log_mel}


CLIPS = {f"b/{hertz}@0": matrices(seconds, hertz) for hertz, seconds in ((440, 1), (220, 0.1), (880, 2.345))}


def write(path: Path, content: dict = CLIPS, asked: dict | None = None) -> Path:
    with FramesWriter(path, asked or preset()) as writer:
        for clip_id, found in content.items():
            writer.add(clip_id, found)
    return path


def anonymous() -> int:
    """Bytes of this process's own memory, mapped files not counted."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("RssAnon")).split()[1])


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_matrices_are_read_as_they_were_written(tmp_path, dtype):
    frames = Frames(write(tmp_path / "new" / "0.frames.arrow", asked=preset(dtype)))
    assert list(frames) == list(CLIPS) and len(frames) == 3 and "b/440@0" in frames and "c@0" not in frames
    assert frames.preset == preset(dtype) and frames.rows == {"log_mel": 128, "mfcc": 20} and frames.dtype == dtype
    for clip_id, given in CLIPS.items():
        found = frames[clip_id]
        assert list(found) == ["log_mel", "mfcc"]
        for family, matrix in found.items():
            assert matrix.dtype == dtype and matrix.shape == given[family].T.shape
            np.testing.assert_array_equal(matrix, given[family].T.astype(dtype))
            assert not matrix.flags.writeable
    assert len({found["log_mel"].shape[0] for found in map(frames.get, CLIPS)}) == 3  # of three lengths, one a frame


def test_float16_keeps_decibels_to_one_thirtieth(tmp_path):
    """Half a step of float16: 1/32 from 64 to 128 dB, and 1/2048 of the value anywhere."""
    frames = Frames(write(tmp_path / "0.frames.arrow"))
    for clip_id, given in CLIPS.items():
        assert np.abs(given["log_mel"]).max() < 128 and np.ptp(given["log_mel"]) < 80.01
        assert np.abs(frames[clip_id]["log_mel"] - given["log_mel"].T).max() <= 1 / 32
        mfcc = given["mfcc"].T
        assert (np.abs(frames[clip_id]["mfcc"] - mfcc) <= np.abs(mfcc) / 2048 + 1e-7).all()


def test_a_batch_is_cut_and_padded_with_the_silence_of_each_clip(tmp_path):
    frames = Frames(write(tmp_path / "0.frames.arrow", asked=preset("float32")))
    names = ["b/880@0", "b/440@0"]
    long, short = (CLIPS[name]["log_mel"].T for name in names)
    batch = frames.padded(names, "log_mel", 60)
    assert batch.shape == (2, 60, 128) and batch.dtype == np.float32
    np.testing.assert_array_equal(batch[0], long[:60])
    np.testing.assert_array_equal(batch[1, : len(short)], short)
    assert (batch[1, len(short) :] == short.min()).all() and len(short) < 60
    mfcc = frames.padded(names[1:], "mfcc", 60)[0, len(short) :]
    assert (mfcc[:, 0] == CLIPS[names[1]]["mfcc"][0].min()).all() and not mfcc[:, 1:].any()
    assert frames.padded([], "mfcc", 5).shape == (0, 5, 20)
    with pytest.raises(KeyError, match="no frames of chroma, only of log_mel, mfcc"):
        frames.padded(names, "chroma", 5)
    with pytest.raises(KeyError, match=r"no frames of clip 'c@0' in .*0\.frames\.arrow"):
        frames.padded(["c@0"], "mfcc", 5)


def test_shards_are_read_as_one(tmp_path):
    first = write(tmp_path / "0.frames.arrow", {"b/440@0": CLIPS["b/440@0"]})
    second = write(tmp_path / "1.frames.arrow", {"b/220@0": CLIPS["b/220@0"]})
    frames = Frames(first, second, write(tmp_path / "2.frames.arrow", {}))
    assert list(frames) == ["b/440@0", "b/220@0"]
    assert frames.padded(["b/220@0", "b/440@0"], "mfcc", 3).shape == (2, 3, 20)
    with pytest.raises(InputError, match=r"1\.frames\.arrow: clip 'b/220@0' occurs twice, or also in another shard"):
        Frames(first, second, second)
    other = write(tmp_path / "other.frames.arrow", {}, preset("float32"))
    with pytest.raises(InputError, match=r"other\.frames\.arrow: was computed by another preset than .*0\."):
        Frames(first, other)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"mfcc": None}, ValueError, r"mfcc of c@0: \(20, frames\) is expected, nothing was given"),
        ({"mfcc": np.zeros((30, 20), np.float32)}, ValueError, r"\(20, frames\) is expected, shape \(30, 20\)"),
        ({"mfcc": np.zeros((20, 0), np.float32)}, ValueError, "frames"),
        ({"mfcc": np.full((20, 3), np.nan, np.float32)}, ArithmeticError, "mfcc of c@0 has a value that is not finite"),
        ({"log_mel": np.full((128, 3), 7e4, np.float32)}, ArithmeticError, "log_mel of c@0 .* finite in float16"),
    ],
)
def test_an_error_in_the_middle_leaves_no_file(tmp_path, change, error, message):
    path = tmp_path / "0.frames.arrow"
    with pytest.raises(error, match=message), FramesWriter(path, preset()) as writer:
        writer.add("b@0", CLIPS["b/440@0"])
        writer.add("c@0", CLIPS["b/440@0"] | change)
    assert list(tmp_path.iterdir()) == []


def test_a_kill_in_the_middle_leaves_the_previous_file(tmp_path):
    path = write(tmp_path / "0.frames.arrow")
    before = path.read_bytes()
    program = f"""
        import numpy as np
        from songwise.features.frames import FramesWriter
        with FramesWriter({str(path)!r}, {preset()!r}) as writer:
            for number in range(10**6):
                writer.add(str(number), {{"log_mel": np.ones((128, 500)), "mfcc": np.ones((20, 500))}})
                if number == 20:
                    print("writing", flush=True)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE) as running:
        assert running.stdout.readline() == b"writing\n"
        running.kill()
        assert running.wait() == -signal.SIGKILL
    assert path.read_bytes() == before
    (partial,) = set(tmp_path.iterdir()) - {path}
    assert partial.name.startswith(".")  # such as no glob for frames finds
    with pytest.raises(InputError, match="is damaged or not a file of frames"):
        Frames(partial)


def test_a_thousand_clips_take_the_memory_of_one(tmp_path):
    """100 MB of frames: neither writing nor opening nor reading one clip takes more than a few."""
    path, allowed = tmp_path / "0.frames.arrow", 8 << 20
    matrix = np.random.default_rng(0).normal(size=(148, 345)).astype(np.float32)
    before = anonymous()
    with FramesWriter(path, preset()) as writer:
        for number in range(1_000):
            writer.add(f"c@{number}", {"log_mel": matrix[:128] + number % 7, "mfcc": matrix[128:]})
            if number % 100 == 99:
                assert anonymous() - before < allowed
    assert path.stat().st_size > 100e6
    frames = Frames(path)
    assert len(frames) == 1_000 and anonymous() - before < allowed
    found = frames["c@500"]["log_mel"]
    (start, end) = next(
        (int(bound, 16) for bound in line.split()[0].split("-"))
        for line in Path("/proc/self/maps").read_text().splitlines()
        if str(path) in line
    )
    assert start <= found.__array_interface__["data"][0] < end  # a view of the mapped file
    assert anonymous() - before < allowed and pa.total_allocated_bytes() < allowed
    np.testing.assert_array_equal(found, (matrix[:128] + 500 % 7).T.astype(np.float16))
    del frames
    assert found.any()  # a view outlives the object that gave it


def test_a_truncated_file_or_one_of_another_kind_is_named(tmp_path):
    path = write(tmp_path / "0.frames.arrow")
    whole = path.read_bytes()
    foreign = pa.table({"clip_id": ["a"], "log_mel": [[[1.0]]]})
    for content in (b"", b"text", whole[:7], whole[: len(whole) // 2], whole[:-1], whole[:-300], bytes(len(whole))):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"0\.frames\.arrow: is damaged or not a file of frames .*; delete it"):
            Frames(path)
    said = (b"[]", b'{"preset": {}, "rows": []}', b'{"preset": {}, "rows": {"log_mel": -1}, "dtype": "float16"}')
    for metadata in (None, *({b"songwise.frames": text} for text in said)):
        with pa.OSFile(str(path), "wb") as sink, ipc.new_file(sink, foreign.schema.with_metadata(metadata)) as writer:
            writer.write_table(foreign)
        with pytest.raises(InputError, match="is damaged or not a file of frames"):
            Frames(path)
    with pytest.raises(InputError, match=r"no\.frames\.arrow: there is no such file"):
        Frames(tmp_path / "no.frames.arrow")


def test_batches_with_another_number_of_clips_are_refused(tmp_path):
    schema = ipc.open_file(write(tmp_path / "0.frames.arrow", {}, preset(mfcc={"n": 1}))).schema
    one = [[np.float16(1)]]

    def forged(**columns) -> Path:
        path = tmp_path / "forged.frames.arrow"
        with pa.OSFile(str(path), "wb") as sink, ipc.new_file(sink, schema) as writer:
            writer.write_batch(pa.record_batch(columns, schema=schema))
        return path

    assert Frames(forged(clip_id=["a"], mfcc=[one]))["a"]["mfcc"] == [[1]]
    for names in (["a", "b"], [None]):
        with pytest.raises(InputError, match="a record batch does not have exactly one clip"):
            Frames(forged(clip_id=names, mfcc=[one] * len(names)))
    for matrix in ([], None, [[None]]):
        with pytest.raises(InputError, match=r"is damaged or not a file of frames"):
            Frames(forged(clip_id=["a"], mfcc=[matrix]))["a"]


def test_a_hostile_file_is_an_error_and_never_a_crash(tmp_path):
    """Bytes of the structure changed at random, in a process of its own, since a crash would end it."""
    path = write(tmp_path / "0.frames.arrow", {name: CLIPS[name] for name in ("b/220@0", "b/440@0")})
    program = f"""
        import numpy as np
        from songwise.errors import InputError
        from songwise.features.frames import Frames
        whole, dice = np.fromfile({str(path)!r}, np.uint8), np.random.default_rng(0)
        outcomes = []
        for trial in range(400):
            changed = whole.copy()
            # Most of the bytes are values; the structure is around them.
            at = dice.choice([*range(2500), *range(len(whole) - 1500, len(whole))], 3)
            changed[at] = dice.choice([0, 1, 127, 128, 255, dice.integers(256)], 3)
            changed.tofile({str(path)!r} + str(trial))
            try:
                frames = Frames({str(path)!r} + str(trial))
                outcomes.append(sum(float(m.sum(dtype=float)) != 0 for c in frames for m in frames[c].values()) > 0)
            except InputError:
                outcomes.append(None)
        print(outcomes.count(None), outcomes.count(True))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    refused, read = map(int, done.stdout.split())
    assert refused > 50 and read > 50
