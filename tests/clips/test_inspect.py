"""Every format is decoded, clips carry track and offset, and what is no music is quarantined with a reason."""

import numpy as np
import pytest
from helpers.clips import CLIP, DATASET, inspect
from helpers.sound import RATE, encode, tone, write_wav

from songwise.audio.decode import decode
from songwise.clips.cut import GoodClips, clip_path, clip_starts, cut_shard
from songwise.errors import InputError
from songwise.files import write_rows


def cut(folder, shard: dict, dataset: dict = DATASET):
    cut_shard(GoodClips(**shard, dataset=dataset), folder, title="test")
    return folder


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


def test_clips_are_cut_where_the_data_set_says():
    assert clip_starts(10, CLIP | {"hop": 3, "start": 1}) == [(1, 2), (4, 2), (7, 2)]
    assert clip_starts(4.5, CLIP) == [(0, 2), (2, 2)]
    assert clip_starts(5, CLIP) == [(0, 2), (2, 2), (4, 1)]
    assert clip_starts(100, CLIP | {"stop": 4}) == [(0, 2), (2, 2)]
    assert clip_starts(0.5, CLIP) == []


def test_a_clip_holds_the_samples_of_its_place(tmp_path):
    ramp = np.linspace(-0.9, 0.9, 6 * RATE)
    _, clips, shard = inspect(tmp_path, {"ramp": write_wav(tmp_path / "ramp.wav", ramp)})
    folder = cut(tmp_path / "cut", shard)
    segment = decode(clip_path(folder, "ramp@4000"), max_seconds=60).segment
    expected = (ramp[4 * RATE :] * 32767).astype("<i2")
    assert np.array_equal(np.array(segment.get_array_of_samples()), expected)
    assert [row["start"] for row in clips] == ["0", "2", "4"]


def test_a_row_of_the_sheet_can_start_and_stop_elsewhere(tmp_path):
    path = write_wav(tmp_path / "song.wav", tone(10, 300))
    _, clips, _ = inspect(tmp_path, {"song": path}, start="3", stop="7")
    assert [row["clip_id"] for row in clips] == ["song@3000", "song@5000"]


def test_what_is_no_music_is_quarantined_and_the_rest_goes_on(tmp_path):
    good = write_wav(tmp_path / "good.wav", tone(4, 440))
    text = tmp_path / "text.mp3"
    text.write_text("this is no audio\n" * 100)
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
    said = {name: (row["status"], row["reason"].split(":")[0]) for name, row in tracks.items()}
    assert said == {
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


def test_a_track_that_changed_between_the_tables_and_the_cut_stops_the_shard(tmp_path):
    path = write_wav(tmp_path / "song.wav", tone(6, 440))
    _, rows, shard = inspect(tmp_path, {"song": path})
    original = path.read_bytes()

    def refused(match: str) -> None:
        with pytest.raises(InputError, match=match):
            cut(tmp_path / "cut", shard)
        assert not (tmp_path / "cut").exists()

    write_wav(path, tone(6, 550))  # the same length, other music
    refused("song.wav: holds other audio than when it was inspected")
    path.write_bytes(b"no audio" * 1000)
    refused("song.wav: could be decoded before, and now cannot .undecodable")
    path.unlink()
    refused("song.wav: could be decoded before, and now cannot")
    path.write_bytes(original)
    write_rows(shard["clips_csv"], rows[0].keys(), [*rows, rows[-1] | {"clip_id": "song@5000"}])
    refused("clips.csv: lists other clips of song than are cut now")
    write_rows(shard["clips_csv"], rows[0].keys(), rows[:2])
    refused("clips.csv: lists other clips of song than are cut now")
    write_rows(shard["clips_csv"], rows[0].keys(), rows)
    assert len(list(cut(tmp_path / "cut", shard).iterdir())) == 3


def test_a_playlist_disguised_as_audio_opens_nothing_else(tmp_path):
    secret = write_wav(tmp_path / "secret.wav", tone(4, 440))
    playlist = tmp_path / "song.mp3"
    playlist.write_text(f"#EXTM3U\n#EXTINF:4,\n{secret}\n")
    tracks, _, _ = inspect(tmp_path, {"song": playlist})
    assert tracks["song"]["status"] == "quarantined"


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_plain_wav_is_read_as_ffmpeg_decodes_it(tmp_path, channels):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, size=(3 * RATE + 1, channels))
    path = write_wav(tmp_path / "plain.wav", samples)
    other = encode(path, tmp_path / "same.flac")
    for limit in (60, 1):
        mine, theirs = decode(path, max_seconds=limit), decode(other, max_seconds=limit)
        assert mine.segment.raw_data == theirs.segment.raw_data and mine.segment.channels == channels
        assert mine.seconds == theirs.seconds and mine.declared == pytest.approx(theirs.declared, abs=0.01)


@pytest.mark.parametrize(
    ("at", "value"),
    [(20, b"\x03\0"), (22, b"\0\0"), (22, b"\xff\xff"), (24, b"\0\0\0\0"), (24, b"\xff\xff\xff\x7f"), (34, b"\0\0")],
)
def test_a_wav_header_that_lies_is_ffmpeg_s_to_judge(tmp_path, at, value):
    path = write_wav(tmp_path / "lies.wav", tone(3, 440))
    content = bytearray(path.read_bytes())
    content[at : at + len(value)] = value
    path.write_bytes(content)
    tracks, _, _ = inspect(tmp_path, {"lies": path})  # whatever it says, in a row
    assert tracks["lies"]["status"] in ("ok", "quarantined", "failed")
