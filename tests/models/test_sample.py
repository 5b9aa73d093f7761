"""A sample of the training clips has every track before a second clip of any, and every class."""

import pandas as pd
import pytest

from songwise.models.sample import MOST_NUMBERS, most_clips, training_sample


def rows(tracks: dict[str, int], clips: int = 4) -> pd.DataFrame:
    """Return one row per clip of some tracks per label."""
    return pd.DataFrame(
        {"clip_id": f"{label}{track}@{clip}", "track_id": f"{label}{track}", "label": label}
        for label, count in tracks.items()
        for track in range(count)
        for clip in range(clips)
    )


def model(most: int | None = None, **members: int) -> dict:
    return {"most_clips": most, "members": {name: {"most_clips": limit} for name, limit in members.items()}}


def test_every_track_gives_one_clip_before_any_gives_a_second_one():
    sample = training_sample(model(300), rows({"a": 120, "b": 80}), 0, seed=0)
    per_track = sample.groupby("track_id").size()
    assert len(sample) == 300 and len(per_track) == 200 and set(per_track) == {1, 2}


def test_classes_keep_their_shares_and_a_small_one_keeps_fifty_clips():
    sample = training_sample(model(1000), rows({"large": 900, "middle": 90, "small": 10}), 0, seed=0)
    assert sample["label"].value_counts().to_dict() == {"large": 900, "middle": 90, "small": 40}


def test_a_larger_sample_contains_a_smaller_one_of_the_same_seed():
    every = rows({"a": 300, "b": 500})
    one, other = (set(training_sample(model(most), every, 0, seed=7)["clip_id"]) for most in (200, 900))
    assert one < other
    assert one != set(training_sample(model(200), every, 0, seed=8)["clip_id"])


def test_few_clips_are_all_used_in_their_order():
    every = rows({"a": 3, "b": 2})
    assert training_sample(model(1000), every, 10, seed=0) is every
    sample = training_sample(model(500), rows({"a": 300, "b": 500}), 0, seed=0)
    assert sample.index.is_monotonic_increasing


@pytest.mark.parametrize(
    ("given", "columns", "most"),
    [
        (model(), 0, None),
        (model(), 4979, MOST_NUMBERS // 4979),
        (model(5000), 4979, 5000),
        (model(None, svm=300, knn=None), 4979, 300),
    ],
)
def test_the_least_limit_counts(given, columns, most):
    assert most_clips(given, columns) == most
