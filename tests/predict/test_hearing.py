"""New files are heard as a run hears its tracks: the same numbers, and the same frames for a trained network."""

import numpy as np
import pytest
from helpers.clips import CLIP, DATASET, inspect
from helpers.sound import tone, write_wav

from songwise.clips.cut import GoodClips
from songwise.features.extract import extract_shard
from songwise.features.frames import Frames
from songwise.features.matrix import read_features
from songwise.features.preset_files import load_preset
from songwise.predict.hearing import Listener
from songwise.predict.summaries import frame_summaries


@pytest.fixture
def song(tmp_path):
    silence = np.zeros(2 * 22_050)
    return write_wav(tmp_path / "song.wav", np.concatenate([tone(2, 300), silence, tone(3.2, 900)]))


@pytest.fixture
def clips(song, tmp_path):
    _, _, shard = inspect(tmp_path, {"song": song})
    return GoodClips(**shard, dataset=DATASET)


def test_a_joined_preset_has_the_numbers_of_the_tables_in_the_order_of_the_join(song, clips, tmp_path, root):
    parts = {name: load_preset(name, root) for name in ("mfcccov", "jlaoo26")}
    tables = {name: tmp_path / "features" / name / "key" / "0.parquet" for name in parts}
    extract_shard(clips, presets=list(parts.values()), tables=tables, frames={}, title="test")
    expected = read_features(list(tables.values()))
    order = [f"song@{1000 * start}" for start in (0, 4, 6)]
    joined = {"name": "both", "join": parts}
    heard = Listener(joined, CLIP, 60).hear_file(song)
    assert list(heard.starts) == [0, 4, 6] and list(heard.lengths) == [2, 2, 1.2]
    np.testing.assert_array_equal(heard.X, expected.loc[order].to_numpy(np.float64))
    assert heard.numbers is heard.X


def test_a_network_gets_the_frames_that_a_run_would_have_stored(song, clips, tmp_path, root):
    preset = load_preset("frames_mel", root)
    table = tmp_path / "frames" / "0.parquet"
    stored = table.with_suffix(".frames.arrow")
    extract_shard(clips, presets=[preset], tables={"frames_mel": table}, frames={"frames_mel": stored}, title="test")
    heard = Listener(preset, CLIP, 60, "log_mel").hear_file(song)
    expected = Frames(stored)
    assert len(heard.X) == 3
    for place, start in enumerate((0, 4, 6)):
        frames = expected[f"song@{1000 * start}"]["log_mel"]
        found = heard.X.batch(np.array([place]), len(frames), np.array([0]))[0]
        np.testing.assert_array_equal(found, frames)
    assert heard.numbers.shape == (3, 2 * heard.X.rows)
    np.testing.assert_array_equal(heard.numbers, frame_summaries(heard.X))
