"""Music unlike the training music has a high novelty, and 5 % of known songs are refused."""

import io

import numpy as np
import pytest

from songwise.predict.novelty import Novelty, threshold_of


def music(
    n_songs: int, *, n_classes: int = 3, columns: int = 20, seed: int = 0, offset: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Songs of four clips each, whose classes differ in the first columns; features, songs and classes of the clips."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_songs) % n_classes
    means = 6 * np.eye(n_classes, columns)[y] + rng.normal(size=(n_songs, columns)) + offset
    X = np.repeat(means, 4, axis=0) + 0.5 * rng.normal(size=(4 * n_songs, columns))
    return X, np.repeat([f"song-{number:04d}" for number in range(n_songs)], 4), np.repeat(y, 4)


@pytest.mark.parametrize(("n_songs", "n_classes", "columns"), [(60, 3, 20), (10, 2, 20), (12, 2, 500), (25, 5, 2)])
def test_foreign_songs_score_higher_than_new_songs_of_the_known_classes(n_songs, n_classes, columns):
    novelty = Novelty.fit(*music(n_songs, n_classes=n_classes, columns=columns), seed=0)
    X, songs, _ = music(40, n_classes=n_classes, columns=columns, seed=1)
    foreign = music(40, n_classes=n_classes, columns=columns, seed=2, offset=15)
    assert novelty.scores(X, songs).max() < novelty.scores(*foreign[:2]).min()


def test_one_song_alone_has_the_score_that_it_has_among_others():
    novelty = Novelty.fit(*music(30), seed=0)
    X, songs, _ = music(5, seed=1)
    expected = [novelty.score(X[songs == song]) for song in np.unique(songs)]
    np.testing.assert_allclose(novelty.scores(X, songs), expected)


def test_a_copy_of_a_training_song_is_not_novel():
    X, songs, y = music(30)
    novelty = Novelty.fit(X, songs, y, seed=0)
    assert novelty.score(X[:4]) == pytest.approx(0, abs=1e-5)
    assert novelty.score(music(1, seed=3)[0]) > 0.3


def test_units_constant_columns_and_the_order_of_clips_do_not_matter():
    X, songs, y = music(30)
    other, names, _ = music(5, seed=1)
    expected = Novelty.fit(X, songs, y, seed=0).scores(other, names)
    scaled = Novelty.fit(np.c_[1000 * X + 5, np.ones(len(X))], songs, y, seed=0)
    # A column that was constant in training says nothing, whatever it is in a new song.
    np.testing.assert_allclose(
        scaled.scores(np.c_[1000 * other + 5, np.full(len(other), 99)], names), expected, rtol=1e-6
    )
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(Novelty.fit(X[order], songs[order], y[order], seed=0).scores(other, names), expected)


def test_the_same_seed_gives_the_same_numbers_for_very_many_clips(monkeypatch):
    monkeypatch.setattr("songwise.predict.novelty._MOST_CLIPS", 50)
    X, songs, y = music(40)
    one, other = (Novelty.fit(X.astype(np.float32), songs, y, seed=0).arrays() for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert len(one["component_songs"]) == 40  # every song is a neighbour, although not every clip is in the fit


def test_one_in_twenty_of_the_held_out_songs_is_refused():
    scores = np.random.default_rng(0).permutation(np.arange(200.0))
    novelty = Novelty.fit(*music(30), seed=0, held_out=scores)
    assert novelty.threshold == threshold_of(scores) == 190
    refused = [score for score in scores if not novelty.is_known(score)]
    assert len(refused) == 9 and all(novelty.rank(score) > 0.95 for score in refused)
    assert all(novelty.rank(score) <= 0.95 for score in scores if novelty.is_known(score))
    assert (novelty.rank(-1), novelty.rank(50), novelty.rank(1e9)) == (0, 0.25, 1)


def test_without_held_out_scores_no_song_is_refused():
    novelty = Novelty.fit(*music(30), seed=0)
    assert novelty.is_known(1e300) and novelty.rank(1e300) == 0
    assert threshold_of(np.array([3.0, 1.0, 2.0])) == 3


def test_one_class_or_constant_features_are_refused_in_words():
    X, songs, y = music(10)
    for features, classes in ((X, np.zeros_like(y)), (np.ones_like(X), y)):
        with pytest.raises(ValueError, match="at least two classes"):
            Novelty.fit(features, songs, classes, seed=0)


def test_a_stored_novelty_gives_the_same_scores():
    novelty = Novelty.fit(*music(30), seed=0, held_out=np.array([2.0, 1.0]))
    file = io.BytesIO()
    np.savez(file, **novelty.arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        again = Novelty.from_arrays(arrays)
    X, songs, _ = music(5, seed=1)
    assert np.array_equal(again.scores(X, songs), novelty.scores(X, songs))
    assert again.threshold == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"held_out": None}, "and no others"),
        ({"code": np.zeros(1)}, "and no others"),
        ({"components": np.zeros(3)}, "components of a novelty must be float64 with 2 dimensions"),
        ({"held_out": np.array([1], int)}, "held_out of a novelty must be float64"),
        ({"held_out": np.array(["1"])}, "held_out of a novelty must be float64"),
        ({"held_out": np.array([2.0, 1.0])}, "ascending"),
        ({"held_out": np.array([np.nan])}, "not finite"),
        ({"center": np.zeros(1)}, "does not fit"),
        ({"component_songs": np.zeros((9, 20))}, "does not fit"),
        (
            {
                "component_songs": np.zeros((0, 20)),
                "discriminant_songs": np.zeros((0, 2)),
                "remainders": np.zeros(0),
            },
            "at least one",
        ),
    ],
)
def test_a_forged_novelty_is_refused_in_words(change, message):
    arrays = Novelty.fit(*music(30), seed=0, held_out=np.array([1.0])).arrays() | change
    with pytest.raises(ValueError, match=message):
        Novelty.from_arrays({name: values for name, values in arrays.items() if values is not None})
