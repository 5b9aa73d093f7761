"""Fingerprints are Chromaprint's: those of the ffmpeg that songwise includes."""

import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
from helpers.sound import write_wav

from songwise.audio.decode import AudioSegment, decode
from songwise.audio.fingerprint import HOP_SECONDS, RATE, fingerprint
from songwise.datasets.demo import catalogue, synth


def chromaprint(segment: AudioSegment) -> np.ndarray:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "s16le", "-ar", str(segment.frame_rate)]
    command += ["-ac", str(segment.channels), "-i", "pipe:0", "-ac", "1", "-ar", str(RATE)]
    command += ["-f", "chromaprint", "-algorithm", "1", "-fp_format", "raw", "pipe:1"]
    return np.frombuffer(subprocess.run(command, input=segment.raw_data, capture_output=True, check=True).stdout, "=u4")


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("songs")
    for row in catalogue.track_rows("bands", seed=0)[:60:15]:
        synth.write_track("bands", row["track_id"], folder / f"{row['track_id']}.wav", seed=0)
    return [decode(path, max_seconds=600).segment for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_items_are_those_of_chromaprint(songs, rate, channels):
    for song in songs:
        segment = song.set_frame_rate(rate).set_channels(channels)
        found, expected = fingerprint(segment), chromaprint(segment)
        assert len(found) == len(expected) > 20
        # The resamplers differ slightly. Two encodings of one recording differ in some per cent of the bits.
        assert np.bitwise_count(found ^ expected).mean() / 32 < 0.002


def test_one_item_spans_frames_that_fill_a_window_of_comparisons(tmp_path):
    samples = np.random.default_rng(0).normal(size=4096 + 20 * 1365) * 0.1

    def items(count: int) -> int:
        path = write_wav(tmp_path / "noise.wav", samples[:count], RATE)
        return len(fingerprint(decode(path, max_seconds=60).segment))

    assert [items(4096 + hops * 1365) for hops in (18, 19, 20)] == [0, 1, 2]
    assert items(4096 + 19 * 1365 - 1) == 0
    assert round(HOP_SECONDS, 4) == 0.1238


def test_digital_silence_has_the_items_of_chromaprint(songs):
    quiet = AudioSegment.silent(8_000, RATE)
    assert (fingerprint(quiet) == chromaprint(quiet)).all()
    found, expected = (
        compute(quiet[:4_000] + songs[0][:8_000] + quiet[:4_000]) for compute in (fingerprint, chromaprint)
    )
    assert np.bitwise_count(found ^ expected).mean() / 32 < 0.02
