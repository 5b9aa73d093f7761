"""The nearest tracks are those that a plain computation finds, and a damaged file is refused."""

import io

import numpy as np
import pytest

from songwise.predict.neighbours import Neighbours


def clips(*, tracks: int = 40, columns: int = 12, classes: int = 3, seed: int = 0) -> tuple:
    """Three clips per track around the track's own sound; the classes differ a little."""
    rng = np.random.default_rng(seed)
    labels = np.arange(tracks) % classes
    own = rng.normal(size=(classes, columns))[labels] + rng.normal(size=(tracks, columns))
    X = np.repeat(own, 3, axis=0) + 0.2 * rng.normal(size=(3 * tracks, columns))
    X = X * np.geomspace(1e-3, 1e3, columns) + 100
    names = np.array([f"t{index:03d}" for index in range(tracks)])
    return X.astype(np.float32), np.repeat(names, 3), np.repeat(labels.astype(str), 3)


@pytest.fixture(scope="module")
def table() -> tuple:
    return clips()


@pytest.fixture(scope="module")
def space(table) -> Neighbours:
    return Neighbours.fit(*table, seed=0)


def plain_distances(space: Neighbours, X: np.ndarray, tracks: np.ndarray, song: np.ndarray) -> np.ndarray:
    """The mean of two cosine distances in double precision, one track at a time."""
    halves = []
    for axes in (space.sound, space.classes):
        places = [(X[tracks == name].astype(float) - space.mean).mean(axis=0) @ axes for name in np.unique(tracks)]
        centre = np.mean(places, axis=0)
        place = (song.astype(float) - space.mean).mean(axis=0) @ axes - centre
        halves.append(
            [1 - other @ place / np.linalg.norm(other) / np.linalg.norm(place) for other in np.array(places) - centre]
        )
    return np.mean(halves, axis=0)


def test_the_nearest_tracks_are_those_of_a_plain_computation(space, table):
    X, tracks, _ = table
    song = clips(seed=5)[0][:4]
    expected = plain_distances(space, X, tracks, song)
    indices, distances = space.query(space.embed(song), 15)
    assert list(indices) == list(np.argsort(expected)[:15])
    np.testing.assert_allclose(distances, np.sort(expected)[:15], atol=1e-5)


def test_axes_of_the_classes_have_variance_one_within_a_class():
    X, tracks, labels = clips(tracks=900)
    space = Neighbours.fit(X, tracks, labels, seed=0)
    places = (X.astype(float) - space.mean) @ space.classes
    within = np.concatenate([places[labels == label] - places[labels == label].mean(axis=0) for label in "012"])
    covariance = within.T @ within / len(within)
    assert space.classes.shape == (12, 2)
    # The covariance of which the axes are made is shrunk, and a little larger.
    np.testing.assert_allclose(covariance, np.eye(2), atol=0.05)


def test_a_track_of_the_data_set_finds_itself_at_distance_0(space, table):
    X, tracks, _ = table
    for place, name in enumerate(np.unique(tracks)):
        indices, distances = space.query(space.embed(X[tracks == name]), 2)
        assert indices[0] == place and distances[0] < 1e-5 < distances[1]


def test_distances_are_from_0_to_2_and_unrelated_tracks_are_at_1(space):
    rng = np.random.default_rng(1)
    distances = np.concatenate([space.query(vector, len(space))[1] for vector in space.vectors[rng.permutation(40)]])
    assert distances.min() >= 0 and distances.max() <= 2
    assert abs(distances.mean() - 1) < 0.1
    opposite = space.query(-space.vectors[3], len(space))
    assert opposite[0][-1] == 3 and opposite[1][-1] == pytest.approx(2, abs=1e-5)


def test_excluded_tracks_are_never_found(space):
    exclude = np.zeros(len(space), bool)
    exclude[[0, 5, 7]] = True
    indices, _ = space.query(space.vectors[5], len(space), exclude=exclude)
    assert set(indices) == set(range(len(space))) - {0, 5, 7}
    assert [len(found) for found in space.query(space.vectors[5], 3, exclude=np.ones(len(space), bool))] == [0, 0]
    assert len(space.query(space.vectors[5], 0)[0]) == 0


def test_of_equally_near_tracks_the_first_is_first():
    X, tracks, labels = clips(tracks=60)
    X = X.reshape(60, 3, -1)
    X[[11, 29, 47, 58]] = X[2]
    labels = labels.reshape(60, 3)
    labels[:] = labels[:, :1]
    space = Neighbours.fit(X.reshape(180, -1), tracks, labels.ravel(), seed=0)
    indices, distances = space.query(space.embed(X[2]), 8)
    assert list(indices[:5]) == [2, 11, 29, 47, 58] and len(set(distances[:5])) == 1
    assert list(space.query(space.embed(X[2]), 2)[0]) == [2, 11]


def test_the_nearest_of_almost_equal_tracks_are_exact():
    """Their distances differ by less than single precision can tell."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=64) + 1e-3 * rng.normal(size=(5000, 64))
    vectors = np.float32(vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * 0.9999)
    axes = np.ones((1, 64), np.float32)
    space = Neighbours(np.zeros(1), axes, axes[:, :0], np.zeros(64, np.float32), vectors)
    expected = np.argsort(1 - vectors.astype(float) @ vectors[7].astype(float))[:50]
    np.testing.assert_array_equal(space.query(vectors[7], 50)[0], expected)


def test_the_same_seed_gives_the_same_bytes_also_from_a_sample_of_the_clips(table, monkeypatch):
    monkeypatch.setattr("songwise.predict.neighbours._MOST_CELLS", 12 * 90)
    one, other, third = (Neighbours.fit(*table, seed=seed) for seed in (0, 0, 1))
    assert all(values.tobytes() == other.arrays()[name].tobytes() for name, values in one.arrays().items())
    assert one.sound.tobytes() != third.sound.tobytes()
    assert len(one) == 40  # all tracks, also those whose clips are not in the sample


def test_tracks_are_placed_in_pieces_as_at_once(table, monkeypatch):
    X, tracks, labels = table
    whole = Neighbours.fit(X, tracks, labels, seed=0)
    order = np.random.default_rng(0).permutation(len(X))
    monkeypatch.setattr("songwise.predict.neighbours._CHUNK", 7)
    shuffled = Neighbours.embed_tracks(whole, X[order], tracks[order])
    np.testing.assert_allclose(shuffled, whole.vectors, atol=1e-6)
    assert not np.shares_memory(shuffled, whole.vectors)


@pytest.mark.parametrize(
    ("tracks", "columns", "classes"), [(10, 5, 2), (2, 3, 2), (30, 900, 4), (8, 1, 2), (90, 70, 80)]
)
def test_few_tracks_and_few_or_many_columns_are_enough(tracks, columns, classes):
    X, names, labels = clips(tracks=tracks, columns=columns, classes=classes)
    space = Neighbours.fit(X, names, labels, seed=0)
    assert space.vectors.shape == (tracks, len(space.origin)) and space.vectors.shape[1] <= 128
    assert Neighbours.from_arrays(space.arrays()).query(space.embed(X[:3]), 1)[1][0] < 1e-5


def test_tracks_of_one_label_are_compared_by_sound_alone():
    X, names, labels = clips()
    space = Neighbours.fit(X, names, np.full_like(labels, "rock"), seed=0)
    assert space.classes.shape == (12, 0)
    np.testing.assert_allclose(np.linalg.norm(space.vectors, axis=1), 1, rtol=1e-5)


def test_a_constant_column_has_no_part_in_a_distance(space, table):
    X, tracks, labels = table
    constant = np.float32(np.full((len(X), 1), 0.1))
    wider = Neighbours.fit(np.hstack([X, constant]), tracks, labels, seed=0)
    np.testing.assert_array_equal(
        wider.embed(np.hstack([X[:3], constant[:3]])), wider.embed(np.hstack([X[:3], constant[:3] + 9]))
    )
    for place in (0, 9):
        np.testing.assert_allclose(
            wider.query(wider.vectors[place], 40)[1], space.query(space.vectors[place], 40)[1], atol=1e-4
        )


def test_stored_tracks_are_the_same_tracks(space):
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **space.arrays())
    file.seek(0)
    again = Neighbours.from_arrays(dict(np.load(file, allow_pickle=False)))
    assert all(values.tobytes() == again.arrays()[name].tobytes() for name, values in space.arrays().items())
    assert len(again) == len(space) == 40


@pytest.mark.parametrize(
    ("name", "forge", "message"),
    [
        ("vectors", None, "arrays of similar tracks are"),
        ("extra", lambda _: np.zeros(1), "arrays of similar tracks are"),
        ("mean", lambda values: values[:-1], "wrong type or shape"),
        ("mean", lambda values: values.astype(np.float32), "wrong type or shape"),
        ("mean", lambda values: np.float64(3), "wrong type or shape"),
        ("sound", lambda values: values.astype("U8"), "wrong type or shape"),
        ("sound", lambda values: values.ravel(), "wrong type or shape"),
        ("sound", lambda values: values[:, :-1], "the same axes"),
        ("classes", lambda values: np.zeros((len(values), 65), np.float32), "the same axes"),
        ("vectors", lambda values: values[:, :-1], "wrong type or shape"),
        ("vectors", lambda values: values[:0], "at least one column and one track"),
        ("vectors", lambda values: values * 2, "longer than 1"),
        ("vectors", lambda values: np.where(values == values, np.float32(np.nan), values), "not finite"),
        ("origin", lambda values: values * np.float32(np.inf), "not finite"),
    ],
)
def test_forged_arrays_are_refused(space, name, forge, message):
    arrays = space.arrays()
    if forge is None:
        del arrays[name]
    else:
        arrays[name] = forge(arrays.get(name))
    with pytest.raises(ValueError, match=message):
        Neighbours.from_arrays(arrays)


def test_one_clip_is_not_enough():
    with pytest.raises(ValueError, match="at least two clips"):
        Neighbours.fit(np.ones((1, 3)), np.array(["a"]), np.array(["x"]), seed=0)
