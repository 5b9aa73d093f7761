"""Clips stay in their files until a batch needs them."""

from pathlib import Path

import numpy as np
from helpers.frames import easy_clips, write_frames

from songwise.models.deep.clip_frames import ClipFrames


def own_memory() -> int:
    """Bytes of this process's own memory, mapped files not counted."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("RssAnon")).split()[1])


def test_a_batch_begins_where_it_is_asked_to_and_is_padded_with_silence(tmp_path):
    X, _, _ = easy_clips(tmp_path)
    batch = X.batch(np.array([5, 0]), 30, np.array([20, 4]))
    assert batch.shape == (2, 30, 16) and batch.dtype == np.float32
    whole = X.frames[X.clip_ids[5]]["log_mel"]
    np.testing.assert_array_equal(batch[0, :20], whole[20:])
    assert (batch[0, 20:] == whole.min()).all()
    np.testing.assert_array_equal(batch[1], X.frames[X.clip_ids[0]]["log_mel"][4:34])


def test_clips_are_chosen_by_indices_masks_and_names(tmp_path):
    X, y, _ = easy_clips(tmp_path)
    assert len(X) == len(y) == 72 and X.rows == 16
    assert X[np.array([3, 1])].clip_ids.tolist() == [X.clip_ids[3], X.clip_ids[1]]
    assert len(X[y == 0]) == 24 and X[y == 0][np.array([1])].clip_ids[0] == X.clip_ids[1]
    assert X[y == 0].of([X.clip_ids[70]]).lengths.tolist() == [40]


def test_moments_do_not_lose_digits_far_from_zero(tmp_path):
    rng = np.random.default_rng(0)
    matrices = {f"{number}@0": np.vstack([rng.normal(1000, 1, 50), np.full(50, 7.0)]) for number in range(20)}
    X = ClipFrames.read([write_frames(tmp_path / "0.frames.arrow", matrices)], "log_mel")
    stored = np.concatenate([X.frames[clip_id]["log_mel"] for clip_id in X.clip_ids]).astype(float)
    mean, std = X.moments()
    np.testing.assert_allclose(mean, stored.mean(axis=0))
    np.testing.assert_allclose(std, [stored[:, 0].std(), 1])


def test_nothing_is_loaded_whole(tmp_path):
    """64 MB of frames: choosing, measuring and reading batches takes a small part of that."""
    matrix = np.random.default_rng(0).normal(size=(64, 2500)).astype(np.float32)
    names = [f"{number}@0" for number in range(200)]
    X = ClipFrames.read([write_frames(tmp_path / "0.frames.arrow", dict.fromkeys(names, matrix))], "log_mel")
    before = own_memory()
    part = X[np.arange(150)]
    part.lengths, part.moments()
    for first in range(0, 150, 10):
        part.batch(np.arange(first, first + 10), 100, np.zeros(10, int))
    assert (tmp_path / "0.frames.arrow").stat().st_size > 60e6
    assert own_memory() - before < 16e6
