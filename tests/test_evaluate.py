"""Verdicts, intervals and inflation, on tables small enough to check by hand."""

import numpy as np
import pandas as pd
import pytest

from songwise.evaluate import (
    Confusions,
    accuracy,
    bootstrap_draws,
    interval,
    macro_f1,
    select_corrected,
    song_verdicts,
)


def clips(*rows) -> pd.DataFrame:
    """Rows of (song, label, p_a, p_b)."""
    table = pd.DataFrame(rows, columns=["song", "label", "p_a", "p_b"])
    table["predicted"] = np.where(table["p_a"] >= table["p_b"], "a", "b")
    return table.assign(repeat=0)


def test_a_songs_verdict_is_the_mean_log_probability():
    # The mean probability says a (.55), the majority says a (2 of 3), the mean logarithm says b.
    songs = song_verdicts(clips(("s", "b", 0.8, 0.2), ("s", "b", 0.8, 0.2), ("s", "b", 0.05, 0.95)))
    assert songs["predicted"].tolist() == ["b"]
    odds = np.exp(np.mean(np.log([0.8, 0.8, 0.05]) - np.log([0.2, 0.2, 0.95])))
    assert songs["p_a"][0] == pytest.approx(odds / (1 + odds), abs=1e-6)


def test_a_zero_is_floored_and_is_no_veto():
    # 1-NN: three votes for a and one for b; without the floor both means are minus infinity.
    songs = song_verdicts(clips(*[("s", "a", 1.0, 0.0)] * 3, ("s", "a", 0.0, 1.0)))
    assert songs["predicted"].tolist() == ["a"]
    assert np.isfinite(songs[["p_a", "p_b"]].to_numpy()).all()
    # Four clips all but sure of a outweigh one that rules it out.
    songs = song_verdicts(clips(*[("s", "a", 0.99, 0.01)] * 4, ("s", "a", 0.0, 1.0)))
    assert songs["predicted"].tolist() == ["a"]


def test_ties_go_to_the_higher_mean_probability():
    # .5 x .3 = .25 x .6: a and b tie in the mean logarithm, b is ahead in the mean.
    rows = pd.DataFrame(
        {"repeat": 0, "song": "s", "label": "b", "p_a": [0.5, 0.3], "p_b": [0.25, 0.6], "p_c": [0.25, 0.1]}
    )
    assert song_verdicts(rows)["predicted"].tolist() == ["b"]
    assert song_verdicts(rows[::-1])["predicted"].tolist() == ["b"]


def test_metrics_of_a_confusion_matrix():
    matrix = np.array([[3.0, 1.0, 0.0], [1.0, 5.0, 0.0], [0.0, 0.0, 0.0]])
    assert accuracy(matrix) == pytest.approx(0.8)
    assert macro_f1(matrix) == pytest.approx((6 / 8 + 10 / 12) / 2)  # the class that is nowhere does not count


def table(hits: dict[str, list[int]], repeats: int = 1) -> pd.DataFrame:
    rows = [
        {"repeat": repeat, "song": song, "label": "a", "predicted": "a" if hit else "b"}
        for repeat in range(repeats)
        for song, clip_hits in hits.items()
        for hit in clip_hits
    ]
    return pd.DataFrame(rows)


def test_copies_of_one_recording_share_one_vote():
    groups = {"x": "x", "copy": "x", "y": "y"}
    confusions = Confusions(table({"x": [1], "copy": [1], "y": [0]}), groups, ["a", "b"])
    assert confusions.counts.shape == (2, 2, 2)
    assert accuracy(confusions.counts.sum(axis=0)) == pytest.approx(0.5)


def test_repeats_do_not_count_as_more_songs():
    rng = np.random.default_rng(0)
    hits = {f"s{i}": [int(rng.random() < 0.6)] for i in range(40)}
    groups = {song: song for song in hits}
    widths = []
    for repeats in (1, 10):
        confusions = Confusions(table(hits, repeats), groups, ["a", "b"])
        low, high = interval(accuracy(confusions.resampled(bootstrap_draws(40, seed=0))))
        widths.append(high - low)
        assert confusions.counts.sum() == pytest.approx(40)
    assert widths[0] == pytest.approx(widths[1])
    assert widths[0] == pytest.approx(2 * 1.96 * np.sqrt(0.24 / 40), rel=0.15)


def test_an_interval_over_clips_would_be_too_narrow():
    """Ten clips of a song that stand or fall together are one observation, not ten."""
    hits = {f"s{i}": [i % 2] * 10 for i in range(30)}
    confusions = Confusions(table(hits), {song: song for song in hits}, ["a", "b"])
    low, high = interval(accuracy(confusions.resampled(bootstrap_draws(30, seed=0))))
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 30), rel=0.15)


def test_the_best_of_many_worthless_models_is_corrected_to_chance():
    rng = np.random.default_rng(0)
    hits = (rng.random((40, 60)) < 1 / 6).astype(float)
    naive = hits.mean(axis=1).max()
    corrected = select_corrected(hits, bootstrap_draws(60, seed=0))
    assert naive > 0.26
    assert abs(corrected["corrected_song_accuracy"] - 1 / 6) < 0.05
    assert corrected["corrected_song_accuracy_low"] < 1 / 6 < corrected["corrected_song_accuracy_high"]


def test_one_model_needs_no_correction():
    hits = (np.arange(60) % 3 > 0).astype(float)[None]
    corrected = select_corrected(hits, bootstrap_draws(60, seed=0))
    assert corrected["corrected_song_accuracy"] == pytest.approx(2 / 3, abs=0.01)
