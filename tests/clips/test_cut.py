"""Clips are cut where the data set says, and only from the audio that was inspected."""

import numpy as np
import pytest
from helpers.clips import CLIP, cut, inspect
from helpers.sound import RATE, tone, write_wav

from songwise.audio.decode import decode
from songwise.clips.cut import clip_path, clip_starts
from songwise.errors import InputError
from songwise.files import write_rows


def test_clips_are_cut_where_the_data_set_says():
    assert clip_starts(10, CLIP | {"hop": 3, "start": 1}) == [(1, 2), (4, 2), (7, 2)]
    assert clip_starts(4.5, CLIP) == [(0, 2), (2, 2)]
    assert clip_starts(5, CLIP) == [(0, 2), (2, 2), (4, 1)]
    assert clip_starts(100, CLIP | {"stop": 4}) == [(0, 2), (2, 2)]
    assert clip_starts(0.5, CLIP) == []


def test_a_clip_contains_the_samples_at_its_start(tmp_path):
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


def test_a_track_that_changed_between_the_tables_and_the_cut_stops_the_shard(tmp_path):
    path = write_wav(tmp_path / "song.wav", tone(6, 440))
    _, rows, shard = inspect(tmp_path, {"song": path})
    original = path.read_bytes()

    def refused(match: str) -> None:
        with pytest.raises(InputError, match=match):
            cut(tmp_path / "cut", shard)
        assert not (tmp_path / "cut").exists()

    write_wav(path, tone(6, 550))  # the same length, other music
    refused("song.wav: its audio has changed since it was inspected")
    path.write_bytes(b"no audio" * 1000)
    refused("song.wav: was decoded before, but cannot be decoded now .undecodable")
    path.unlink()
    refused("song.wav: was decoded before, but cannot be decoded now")
    path.write_bytes(original)
    write_rows(shard["clips_csv"], rows[0].keys(), [*rows, rows[-1] | {"clip_id": "song@5000"}])
    refused("clips.csv: its clips of song are not the ones that are cut now")
    write_rows(shard["clips_csv"], rows[0].keys(), rows[:2])
    refused("clips.csv: its clips of song are not the ones that are cut now")
    write_rows(shard["clips_csv"], rows[0].keys(), rows)
    assert len(list(cut(tmp_path / "cut", shard).iterdir())) == 3
