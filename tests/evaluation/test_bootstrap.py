"""Intervals follow from the number of independent observations, and luck among many models is corrected for."""

import numpy as np
import pytest
from helpers.tables import table, units

from songwise.evaluation.bootstrap import bootstrap_draws, compare, holm, interval, select_corrected
from songwise.evaluation.confusion import Confusions
from songwise.evaluation.metrics import accuracy


def width(confusions: Confusions) -> float:
    draws = bootstrap_draws(len(confusions.votes), seed=0)
    low, high = interval(accuracy(confusions.resampled(draws)))
    return high - low


def test_repeats_do_not_count_as_more_songs():
    rng = np.random.default_rng(0)
    hits = {f"s{i}": [int(rng.random() < 0.6)] for i in range(40)}
    widths = []
    for repeats in (1, 10):
        confusions = Confusions(table(hits, repeats), units({song: song for song in hits}), ["a", "b"])
        widths.append(width(confusions))
        assert confusions.counts.sum() == pytest.approx(40)
    assert widths[0] == pytest.approx(widths[1])
    assert widths[0] == pytest.approx(2 * 1.96 * np.sqrt(0.24 / 40), rel=0.15)


def test_an_interval_over_clips_would_be_too_narrow():
    """Ten clips of a song that are right or wrong together are one observation, not ten."""
    hits = {f"s{i}": [i % 2] * 10 for i in range(30)}
    confusions = Confusions(table(hits), units({song: song for song in hits}), ["a", "b"])
    assert width(confusions) == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 30), rel=0.15)


def test_an_interval_over_songs_would_be_too_narrow_if_an_artists_songs_agree():
    hits = {f"artist{i}-{n}": [i % 2] for i in range(30) for n in range(8)}
    artist = {song: song.partition("-")[0] for song in hits}
    by_artist = Confusions(table(hits), units(artist), ["a", "b"])
    assert by_artist.votes.sum() == 240  # every song has its vote all the same
    assert width(by_artist) == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 30), rel=0.15)
    by_song = Confusions(table(hits), units({song: song for song in hits}), ["a", "b"])
    assert width(by_song) < 0.5 * width(by_artist)


def test_a_large_artist_weighs_by_its_songs():
    """One artist with 30 songs, all wrong, and 15 with 2, all right: 50 % of the songs, which depends on one artist."""
    hits = {f"big-{n}": [0] for n in range(30)} | {f"small{i}-{n}": [1] for i in range(15) for n in range(2)}
    confusions = Confusions(table(hits), units({song: song.partition("-")[0] for song in hits}), ["a", "b"])
    assert accuracy(confusions.total) == pytest.approx(0.5)
    values = accuracy(confusions.resampled(bootstrap_draws(16, seed=0)))
    low, high = interval(values)
    assert high == 1.0 and low < 0.3
    assert (values == 1).mean() == pytest.approx((15 / 16) ** 16, abs=0.04)  # the big one is not drawn


def test_groups_that_are_never_tested_widen_no_interval():
    rng = np.random.default_rng(0)
    songs = [f"s{i:03}" for i in range(200)]
    tested = {song: [int(rng.random() < 0.6)] for song in songs[:40]}
    others = {song: [1] for song in songs[30:70]}
    every = units({song: song for song in songs})
    one, other = (Confusions(table(hits), every, ["a", "b"]) for hits in (tested, others))
    assert width(one) == pytest.approx(2 * 1.96 * np.sqrt(0.24 / 40), rel=0.2)
    draws = bootstrap_draws(200, seed=0)
    low, high = interval(accuracy(other.resampled(draws)) - accuracy(one.resampled(draws)))
    assert low < 1 - accuracy(one.total) < high
    assert high - low == pytest.approx(width(one), rel=0.1)  # the other is right throughout
    # With so few tested groups some draws contain none of them, and those draws do not count.
    few = Confusions(table({"s000": [1], "s001": [0]}), every, ["a", "b"])
    assert interval(accuracy(few.resampled(draws))) == (0, 1)


def test_a_model_that_is_as_good_is_tied_and_a_bad_one_is_not():
    rng = np.random.default_rng(0)
    best = (rng.random(100) < 0.8).astype(float)
    close = best.copy()
    close[rng.choice(100, 10, replace=False)] = (rng.random(10) < 0.75).astype(float)
    hits = np.array([best, close, best, (rng.random(100) < 0.4).astype(float)])
    p = compare(hits, np.ones(100), 0, seed=0)
    assert p[0] == 1 and p[2] == 1
    assert p[1] > 0.05
    assert p[3] < 0.001


def test_pairing_detects_a_small_difference_that_unpaired_intervals_miss():
    best = (np.arange(100) % 5 > 0).astype(float)
    worse = best.copy()
    worse[[1, 7, 13, 19, 21, 27, 33, 39]] = 0  # never better, worse on eight
    assert best.mean() - worse.mean() == pytest.approx(0.08)
    assert compare(np.array([best, worse]), np.ones(100), 0, seed=0)[1] < 0.05
    # The same eight songs, but all of one artist in ten: one observation.
    worse = best.copy()
    worse[[1, 2, 3, 4, 6, 7, 8, 9]] = 0
    by_artist = np.array([best, worse]).reshape(2, 10, 10).sum(axis=2)
    assert compare(by_artist, np.full(10, 10), 0, seed=0)[1] > 0.5


def test_p_values_of_equally_good_models_are_rarely_small(monkeypatch):
    """Two models with an accuracy of 0.6 on different songs: p is below 0.05 in about 5 % of the data sets."""
    monkeypatch.setattr("songwise.evaluation.bootstrap._COMPARISONS", 1)
    rng = np.random.default_rng(0)
    found = []
    for world in range(200):
        hits = (rng.random((2, 60)) < 0.6).astype(float)
        found.append(compare(hits, np.ones(60), 0, seed=world)[1])
    assert 0.01 < np.mean(np.array(found) < 0.05) < 0.1


def test_holms_correction_by_hand():
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03])), [0.06, 0.03, 0.06])
    np.testing.assert_allclose(holm(np.array([0.5, 0.9])), [1, 1])
    assert holm(np.array([])).shape == (0,)


def test_the_best_of_many_worthless_models_is_corrected_to_chance():
    rng = np.random.default_rng(0)
    hits = (rng.random((40, 60)) < 1 / 6).astype(float)
    naive = hits.mean(axis=1).max()
    corrected = select_corrected(hits, np.ones(60), bootstrap_draws(60, seed=0))
    assert naive > 0.26
    assert abs(corrected["corrected_song_accuracy"] - 1 / 6) < 0.05
    assert corrected["corrected_song_accuracy_low"] < 1 / 6 < corrected["corrected_song_accuracy_high"]


def test_one_model_needs_no_correction():
    hits = (np.arange(60) % 3 > 0).astype(float)[None]
    corrected = select_corrected(hits, np.ones(60), bootstrap_draws(60, seed=0))
    assert corrected["corrected_song_accuracy"] == pytest.approx(2 / 3, abs=0.01)
    # A group counts by its votes, and a group that was never tested does not count.
    votes = np.repeat([4.0, 1.0, 0.0], 20)
    hits = (votes * np.repeat([1, 0, 0], 20))[None]
    corrected = select_corrected(hits, votes, bootstrap_draws(60, seed=0))
    assert corrected["corrected_song_accuracy"] == pytest.approx(0.8, abs=0.02)
