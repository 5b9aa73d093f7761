"""WAV files are read directly only where that gives what ffmpeg gives."""

import numpy as np
import pytest
from helpers.clips import inspect
from helpers.sound import RATE, encode, tone, write_wav

from songwise.audio.decode import decode


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_plain_wav_is_read_as_ffmpeg_decodes_it(tmp_path, channels):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, size=(3 * RATE + 1, channels))
    path = write_wav(tmp_path / "plain.wav", samples)
    other = encode(path, tmp_path / "same.flac")
    for limit in (60, 1):
        read, decoded = decode(path, max_seconds=limit), decode(other, max_seconds=limit)
        assert read.segment.raw_data == decoded.segment.raw_data and read.segment.channels == channels
        assert read.seconds == decoded.seconds and read.declared == pytest.approx(decoded.declared, abs=0.01)


@pytest.mark.parametrize(
    ("at", "value"),
    [(20, b"\x03\0"), (22, b"\0\0"), (22, b"\xff\xff"), (24, b"\0\0\0\0"), (24, b"\xff\xff\xff\x7f"), (34, b"\0\0")],
)
def test_a_wrong_wav_header_gives_a_row_and_never_an_error(tmp_path, at, value):
    path = write_wav(tmp_path / "lies.wav", tone(3, 440))
    content = bytearray(path.read_bytes())
    content[at : at + len(value)] = value
    path.write_bytes(content)
    tracks, _, _ = inspect(tmp_path, {"lies": path})
    assert tracks["lies"]["status"] in ("ok", "quarantined", "failed")
