"""Tracks of every format are described, and unusable ones are quarantined with a reason."""

import numpy as np
import pytest
from helpers.clips import cut, inspect
from helpers.sound import RATE, encode, tone, write_wav

from songwise.audio.decode import decode
from songwise.clips.cut import clip_path

FORMATS = {
    "wav": (),
    "flac": (),
    "ogg": ("-c:a", "libvorbis"),
    "opus": ("-c:a", "libopus"),
    "mp3": (),
    "m4a": ("-c:a", "aac"),
    "webm": ("-c:a", "libopus"),
}


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    source = write_wav(folder / "source.wav", np.stack([tone(5, 440), tone(5, 440)], axis=1))
    return {suffix: encode(source, folder / f"song.{suffix}", *options) for suffix, options in FORMATS.items()}


def test_every_format_decodes_to_the_same_music(encoded, tmp_path):
    tracks, clips, _ = inspect(tmp_path, encoded)
    for suffix in FORMATS:
        assert tracks[suffix]["status"] == "ok", tracks[suffix]
        assert float(tracks[suffix]["seconds"]) == pytest.approx(5, abs=0.1)
        assert [row["clip_id"] for row in clips if row["track_id"] == suffix] == [
            f"{suffix}@{ms}" for ms in (0, 2000, 4000)
        ]
        segment = decode(encoded[suffix], max_seconds=60).segment
        samples = np.array(segment.get_array_of_samples()).reshape(-1, segment.channels)[:, 0]
        peak = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))).argmax() * segment.frame_rate / len(samples)
        assert peak == pytest.approx(440, abs=2)
    assert tracks["wav"]["audio_sha256"] == tracks["flac"]["audio_sha256"] != tracks["ogg"]["audio_sha256"]


def test_unusable_tracks_are_quarantined_and_the_others_continue(tmp_path):
    good = write_wav(tmp_path / "good.wav", tone(4, 440))
    text = tmp_path / "text.mp3"
    text.write_text("this is not audio\n" * 100)
    empty = tmp_path / "empty.wav"
    empty.touch()
    silent = write_wav(tmp_path / "silent.wav", np.zeros(4 * RATE))
    short = write_wav(tmp_path / "short.wav", tone(0.5, 440))
    long = write_wav(tmp_path / "long.wav", tone(61.5, 440, rate=8000), rate=8000)
    cut_off = encode(good, tmp_path / "whole.flac")
    cut_off = tmp_path / "cut.flac"
    cut_off.write_bytes((tmp_path / "whole.flac").read_bytes()[: (tmp_path / "whole.flac").stat().st_size // 3])
    header_only = tmp_path / "lies.wav"
    header_only.write_bytes(good.read_bytes()[: 44 + RATE])
    half = write_wav(tmp_path / "half.wav", np.concatenate([np.zeros(2 * RATE), tone(2, 440)]))
    paths = {
        "good": good, "text": text, "empty": empty, "silent": silent, "short": short, "long": long,
        "cut": cut_off, "lies": header_only, "half": half,
    }  # fmt: skip
    tracks, clips, shard = inspect(tmp_path, paths)
    outcomes = {name: (row["status"], row["reason"].split(":")[0]) for name, row in tracks.items()}
    assert outcomes == {
        "good": ("ok", ""),
        "half": ("ok", ""),
        "text": ("quarantined", "undecodable"),
        "empty": ("quarantined", "empty"),
        "silent": ("quarantined", "silent"),
        "short": ("quarantined", "too short"),
        "long": ("failed", "too_long"),
        "cut": ("quarantined", "undecodable"),
        "lies": ("quarantined", "undecodable"),
    }
    assert "truncated" in tracks["lies"]["reason"] and "truncated" in tracks["cut"]["reason"]
    assert {(row["clip_id"], row["status"]) for row in clips} == {
        ("good@0", "ok"), ("good@2000", "ok"), ("half@0", "quarantined"), ("half@2000", "ok"),
    }  # fmt: skip
    written = {path.name for path in cut(tmp_path / "cut", shard).iterdir()}
    assert written == {clip_path(tmp_path, name).name for name in ("good@0", "good@2000", "half@2000")}


def test_a_playlist_disguised_as_audio_opens_nothing_else(tmp_path):
    secret = write_wav(tmp_path / "secret.wav", tone(4, 440))
    playlist = tmp_path / "song.mp3"
    playlist.write_text(f"#EXTM3U\n#EXTINF:4,\n{secret}\n")
    tracks, _, _ = inspect(tmp_path, {"song": playlist})
    assert tracks["song"]["status"] == "quarantined"
