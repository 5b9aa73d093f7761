"""Songs of a class that training never had are detected if they are unlike the others, and never by their own group."""

import numpy as np
import pandas as pd
import pytest

from songwise.evaluation.votes import Units
from songwise.splits.table import divide_rounds
from songwise.studies.novelty import NOVELTY_COLUMNS, study_novelty


def songs(gap: float, *, labels: str = "abcd", n_songs: int = 60, folds: int = 3):
    """Songs of three clips each; the means of the labels are `gap` apart."""
    rng = np.random.default_rng(0)
    rows, numbers = [], {}
    for index in range(n_songs):
        label = index % len(labels)
        own = gap * np.eye(len(labels), 8)[label] + rng.normal(size=8)
        for clip in range(3):
            numbers[f"{index}@{clip}"] = own + 0.3 * rng.normal(size=8)
            rows.append(
                {"repeat": 0, "clip_id": f"{index}@{clip}", "track_id": f"{index}", "song": f"song-{index:02d}",
                 "label": labels[label], "group": f"song-{index:02d}", "fold": index // len(labels) % folds,
                 "role": "test"}
            )  # fmt: skip
    splits = pd.DataFrame(rows)
    own = {song: song for song in splits["song"]}
    return pd.DataFrame.from_dict(numbers, orient="index").astype(np.float32), splits, Units(dict(own), dict(own))


def test_classes_that_are_far_apart_are_detected_when_left_out():
    features, splits, units = songs(gap=12)
    rows, held_out = study_novelty(features, divide_rounds(splits), units, 0)
    assert [row["label"] for row in rows] == ["a", "b", "c", "d", "all"]
    assert all(tuple(row) == NOVELTY_COLUMNS for row in rows)
    assert [row["n_songs"] for row in rows] == [15, 15, 15, 15, 60]
    assert all(row["auroc"] > 0.95 and row["auroc_low"] <= row["auroc"] <= row["auroc_high"] for row in rows)
    assert rows[-1]["refused"] > 0.8
    assert len(held_out) == 60 and (np.diff(held_out) >= 0).all()


def test_classes_that_sound_alike_are_not_detected():
    features, splits, units = songs(gap=0)
    rows, _ = study_novelty(features, divide_rounds(splits), units, 0)
    assert 0.35 < rows[-1]["auroc"] < 0.65 and rows[-1]["auroc_low"] < 0.5 < rows[-1]["auroc_high"]
    assert rows[-1]["refused"] < 0.2


def test_no_held_out_song_is_scored_with_its_own_clips():
    """A song among its own clips would have a score of 0."""
    features, splits, units = songs(gap=12)
    assert study_novelty(features, divide_rounds(splits), units, 0)[1].min() > 0.3


def test_a_group_of_the_unknown_class_is_not_trained_on():
    """Each song of d has a copy with the label a, in the same group: with these in training, no song of d is new."""
    features, splits, units = songs(gap=12)
    copies = splits[splits["label"] == "d"]
    twins = copies.assign(label="a", song="twin-" + copies["song"], clip_id="twin-" + copies["clip_id"])
    copied = features.loc[copies["clip_id"]].set_axis(twins["clip_id"])
    units.vote_of.update(dict(zip(twins["song"], copies["song"], strict=True)))
    units.group_of.update(dict(zip(twins["song"], copies["song"], strict=True)))
    rounds = divide_rounds(pd.concat([splits, twins]))
    rows, held_out = study_novelty(pd.concat([features, copied]), rounds, units, 0)
    assert next(row for row in rows if row["label"] == "d")["auroc"] > 0.95
    assert len(held_out) == 60  # a song and its copy have one vote


@pytest.mark.parametrize("labels", ["ab"])
def test_with_two_classes_nothing_is_left_out_but_known_songs_are_scored(labels):
    features, splits, units = songs(gap=12, labels=labels)
    rows, held_out = study_novelty(features, divide_rounds(splits), units, 0)
    assert rows == [] and len(held_out) == 60


def test_songs_that_are_never_tested_have_no_score():
    features, splits, units = songs(gap=12)
    splits["fold"] = splits["fold"].where(splits["fold"] == 0, -1)
    rows, held_out = study_novelty(features, divide_rounds(splits), units, 0)
    assert len(held_out) == splits.loc[splits["fold"] == 0, "song"].nunique() == 20
    assert rows[-1]["n_songs"] == 60 and rows[-1]["auroc"] > 0.95
