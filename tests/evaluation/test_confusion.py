"""Every song has one vote, which its group carries into each bootstrap draw."""

import numpy as np
import pandas as pd
import pytest
from helpers.tables import table, units

from songwise.evaluation.confusion import Confusions
from songwise.evaluation.metrics import accuracy


def test_copies_of_one_recording_share_one_vote():
    joined = {"x": "x", "copy": "x", "y": "y"}
    confusions = Confusions(table({"x": [1], "copy": [1], "y": [0]}), units(joined, joined), ["a", "b"])
    assert confusions.counts.shape == (2, 4)
    assert accuracy(confusions.total) == pytest.approx(0.5)
    # Also where they disagree, and where only one of them was tested.
    confusions = Confusions(table({"x": [1], "copy": [0], "y": [0]}), units(joined, joined), ["a", "b"])
    assert accuracy(confusions.total) == pytest.approx(0.25)
    assert Confusions(table({"copy": [0]}), units(joined, joined), ["a", "b"]).total.sum() == 1


def test_songs_of_one_artist_have_a_vote_each_and_are_drawn_together():
    groups = {"x1": "x", "x2": "x", "x3": "x", "y1": "y"}
    confusions = Confusions(table({"x1": [1], "x2": [1], "x3": [1], "y1": [0]}), units(groups), ["a", "b"])
    assert accuracy(confusions.total) == pytest.approx(0.75)
    assert confusions.votes.tolist() == [3, 1] and confusions.hits.tolist() == [3, 0]
    drawn = accuracy(confusions.resampled(np.array([[2, 0], [0, 2], [1, 1]])))
    assert drawn.tolist() == [1, 0, 0.75]


def test_a_group_that_is_never_tested_has_no_votes():
    groups = {"x": "x", "y": "y", "train": "train"}
    confusions = Confusions(table({"x": [1], "y": [0]}), units(groups), ["a", "b"])
    assert confusions.votes.tolist() == [0, 1, 1]  # in the order of the names
    drawn = accuracy(confusions.resampled(np.array([[1, 1, 1], [2, 0, 1], [3, 0, 0]])))
    assert drawn[:2].tolist() == [0.5, 0] and np.isnan(drawn[2])


def test_a_song_that_half_of_the_repeats_test_has_half_a_vote():
    rows = pd.concat([table({"x": [1], "y": [1]}), table({"x": [1], "z": [0]}).assign(repeat=1)])
    confusions = Confusions(rows, units({song: song for song in "xyz"}), ["a", "b"])
    assert confusions.votes.tolist() == [1, 0.5, 0.5]
    assert accuracy(confusions.total) == pytest.approx(0.75)
