"""A fusion of predictions that its members share equals one that is fitted whole, and learns from no tested song."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.tables import songs

from songwise.errors import InputError
from songwise.features.matrix import read_features
from songwise.files import read_json, write_rows
from songwise.models import fit as fitting
from songwise.models.bundle import load_bundle
from songwise.models.cross_validation import Examples, cross_validate, fit_bundle, fold_seed
from songwise.models.ensembles import FUSION
from songwise.models.files import load_model
from songwise.models.fuse import WEIGHT_COLUMNS, fuse_members
from songwise.models.inner_predictions import predict_inner
from songwise.splits.table import SPLIT_COLUMNS, divide_rounds, read_splits

ROOT = Path(__file__).parents[2]
PARTS = {"one": [0, 1, 2, 3], "two": [4, 5]}  # presets, and their columns of the table of helpers.tables
# Scaling and a search depend on every clip of a fit, so that predictions of another inner fold would differ.
LOGISTIC = load_model("logistic_regression", ROOT) | {"search": {"C": [0.01, 1]}}
MEMBERS = {"logistic@one": (LOGISTIC, "one"), "lda@two": (load_model("lda_shrinkage", ROOT), "two")}
MODEL = load_model("fusion_light", ROOT) | {
    "name": "mine",
    "members": {
        "logistic@one": LOGISTIC | {"columns": [0, 1, 2, 3]},
        "lda@two": load_model("lda_shrinkage", ROOT) | {"columns": [4, 5]},
    },
}
SEED = 3


class Project:
    """Tables of two presets, splits and tracks of some songs, and what models wrote for them."""

    def __init__(self, folder: Path, X, y, groups, *, labels="abc", role="test", fold=None, repeats=1):
        self.folder = folder
        self.splits_csv, self.tracks_csv = folder / "splits.csv", folder / "tracks.csv"
        clip_ids = np.array([f"{group}@{i % 4}000" for i, group in enumerate(groups)])
        for preset, columns in PARTS.items():
            path = folder / preset / "key" / "0.parquet"
            path.parent.mkdir(parents=True)
            table = pd.DataFrame(X[:, columns], columns=[f"c{i}" for i in columns]).assign(clip_id=clip_ids)
            table.sample(frac=1, random_state=len(columns)).to_parquet(path, index=False)
        numbers = np.array([int(group[-2:]) for group in groups])
        self.rows = pd.concat(
            pd.DataFrame({"clip_id": clip_ids, "track_id": groups, "label": np.array(list(labels))[y], "group": groups})
            .assign(fold=(numbers // 3 + repeat * numbers) % 3 if fold is None else fold, repeat=repeat)
            .assign(protocol="by-song", role=role)
            for repeat in range(repeats)
        )
        self.write_splits(self.rows)
        tracks = [{"track_id": group, "song": f"the {group}"} for group in sorted(set(groups))]
        write_rows(self.tracks_csv, ["track_id", "song"], tracks)

    def write_splits(self, splits: pd.DataFrame) -> None:
        write_rows(self.splits_csv, SPLIT_COLUMNS, splits.to_dict("records"))

    def tables(self, *presets: str) -> list[Path]:
        return [self.folder / preset / "key" / "0.parquet" for preset in presets]

    def settings(self) -> dict:
        return {"splits_csv": self.splits_csv, "protocol": "by-song", "seed": SEED}

    def predict_inner(self, name: str) -> pd.DataFrame:
        model, preset = MEMBERS[name]
        table = self.folder / name / "inner.parquet"
        predict_inner(model, feature_tables=self.tables(preset), **self.settings(), table=table)
        return pd.read_parquet(table)

    def train(self, model: dict, presets: list[str], folder: str) -> pd.DataFrame:
        settings = self.settings() | {"tracks_csv": self.tracks_csv, "folder": self.folder / folder}
        cross_validate(model, feature_tables=self.tables(*presets), **settings)
        return pd.read_csv(self.folder / folder / "predictions.csv")

    def train_members(self) -> None:
        for name, (model, preset) in MEMBERS.items():
            self.train(model, [preset], name)
            self.predict_inner(name)

    def fuse(self) -> pd.DataFrame:
        members = {name: self.folder / name for name in MEMBERS}
        folder = self.folder / "fused"
        places = {"splits_csv": self.splits_csv, "tracks_csv": self.tracks_csv}
        fuse_members(members, **places, protocol="by-song", folder=folder)
        return pd.read_csv(folder / "predictions.csv")

    def weights(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "fused" / "weights.csv")


@pytest.fixture
def project(tmp_path):
    """Writes the tables, and trains the members of the fusion unless `train` is False."""

    def make(*data, train=True, **options) -> Project:
        made = Project(tmp_path / "project", *data, **options)
        if train:
            made.train_members()
        return made

    return make


def probabilities(predictions: pd.DataFrame) -> np.ndarray:
    return predictions.filter(regex="^p_").to_numpy()


def test_the_data_of_these_tests_asks_for_other_weights_in_every_fold(project):
    """Otherwise the tests below would not notice weights of another fold, member or repeat."""
    made = project(*songs(), repeats=2)
    made.fuse()
    weights = made.weights()
    assert tuple(weights.columns) == WEIGHT_COLUMNS
    assert [tuple(row) for row in weights[["repeat", "fold", "member"]].to_numpy()] == [
        (repeat, fold, member) for repeat in range(2) for fold in range(3) for member in MEMBERS
    ]
    assert weights["weight"].nunique() >= 10 and (weights["weight"] >= 0).all()


def check_equal(made: Project) -> pd.DataFrame:
    """Check that a fusion of shared members and one that is fitted whole agree, and return its predictions."""
    fused, weights = made.fuse(), made.weights().set_index(["repeat", "fold"])["weight"]
    examples = Examples.read(MODEL, made.tables("one", "two"), (), made.splits_csv, "by-song")
    for repeat, fold, train, valid, test in divide_rounds(examples.splits):
        X, y = examples.matrix(train)
        to_choose_on = examples.matrix(valid) if len(valid) else None
        whole = fitting.fit(MODEL, X, y, train["group"].to_numpy(), fold_seed(SEED, repeat, fold), to_choose_on)
        np.testing.assert_allclose(weights[repeat, fold], whole.pipeline.weights_, atol=1e-3)
        X, _ = examples.matrix(test)
        expected = whole.probabilities(X, len(examples.labels))
        rows = fused[(fused["repeat"] == repeat) & (fused["fold"] == fold)].set_index("clip_id").loc[test["clip_id"]]
        np.testing.assert_allclose(probabilities(rows), expected, atol=3e-5)
        assert (rows["label"].to_numpy() == test["label"].to_numpy()).all()
    member = made.folder / "lda@two"
    for name, read in (("predictions.csv", pd.read_csv), ("fits.parquet", pd.read_parquet)):
        shared, own = read(made.folder / "fused" / name), read(member / name)
        text = [column for column in own if column != "predicted" and not column.startswith("p_")]
        pd.testing.assert_frame_equal(shared[text], own[text])
        assert list(shared.columns) == list(own.columns)
    return fused


def test_a_fusion_of_shared_members_equals_one_that_is_fitted_whole(project):
    fused = check_equal(project(*songs(), repeats=2))
    assert len(fused) == 240 and set(fused["song"]) == {f"the song-{number:02d}" for number in range(30)}
    assert (fused["predicted"].map({"a": 0, "b": 1, "c": 2}) == probabilities(fused).argmax(axis=1)).all()


def test_two_classes_are_fused(project):
    X, y, groups = songs()
    two = y < 2
    fused = check_equal(project(X[two], y[two], groups[two]))
    np.testing.assert_allclose(probabilities(fused).sum(axis=1), 1, atol=2e-6)
    assert fused.filter(regex="^p_").shape[1] == 2


def test_a_label_that_is_missing_in_training_has_the_probability_zero(project):
    """All songs of b are tested in fold 0, so its fit knows a and c only."""
    X, y, groups = songs()
    numbers = np.array([int(group[-2:]) for group in groups])
    made = project(X, y, groups, fold=np.where(y == 1, 0, numbers // 3 % 3))
    fused = check_equal(made)
    first = fused["fold"] == 0
    assert set(fused.loc[first, "label"]) == set("abc")
    assert (fused.loc[first, "p_b"] == 0).all() and (fused.loc[~first, "p_b"] > 0).any()
    inner = pd.read_parquet(made.folder / "lda@two" / "inner.parquet")
    assert (inner.loc[inner["fold"] == 0, "p_b"] == 0).all() and (inner.loc[inner["fold"] == 1, "p_b"] > 0).all()


def test_predefined_validation_clips_choose_settings_only(project, monkeypatch):
    """They have a part in the members' search, and none in their fits, the weights or the test."""
    X, y, groups = songs()
    role = np.where(groups < "song-06", "test", np.where(groups < "song-12", "valid", "train"))
    given, held_out = [], fitting.predict_held_out
    spy = lambda *everything: given.append(everything[5]) or held_out(*everything)  # noqa: E731
    monkeypatch.setattr("songwise.models.inner_predictions.predict_held_out", spy)
    made = project(X, y, groups, role=role, fold=np.where(role == "test", 0, -1))
    for (X_valid, y_valid), (_, preset) in zip(given, MEMBERS.values(), strict=True):
        np.testing.assert_allclose(X_valid, X[role == "valid"][:, PARTS[preset]])
        np.testing.assert_array_equal(y_valid, y[role == "valid"])
    fused = check_equal(made)
    assert set(fused["track_id"]) == set(groups[role == "test"])
    inner = pd.read_parquet(made.folder / "lda@two" / "inner.parquet")
    assert set(inner["clip_id"].str.split("@").str[0]) == set(groups[role == "train"])
    record = pd.read_parquet(made.folder / "fused" / "fits.parquet")
    assert record.groupby("role").size().to_dict() == {"train": 72, "valid": 24, "test": 24}


def test_inner_fits_keep_songs_whole_and_never_see_a_tested_song(project, monkeypatch):
    X, y, groups = songs()
    made = project(X, y, groups, train=False, repeats=2)
    learnt, fit = [], fitting._fit
    spy = lambda model, training, *more: learnt.append(training.groups) or fit(model, training, *more)  # noqa: E731
    monkeypatch.setattr(fitting, "_fit", spy)
    inner = made.predict_inner("lda@two")
    rounds = divide_rounds(read_splits(made.splits_csv, "by-song"))
    assert len(learnt) == 3 * len(rounds) == 18
    for number, (repeat, fold, train, _, test) in enumerate(rounds):
        fits = learnt[3 * number : 3 * number + 3]
        for fitted in fits:
            assert all(np.count_nonzero(fitted == song) == 4 for song in set(fitted)), "a song is torn apart"
            assert not set(fitted) & set(test["group"]), "a tested song is learnt"
        left_out = [set(train["group"]) - set(fitted) for fitted in fits]
        assert sorted(song for songs_ in left_out for song in songs_) == sorted(set(train["group"]))
        of_fold = inner[(inner["repeat"] == repeat) & (inner["fold"] == fold)]
        assert of_fold["clip_id"].tolist() == train["clip_id"].tolist()
        np.testing.assert_allclose(of_fold.filter(regex="^p_").sum(axis=1), 1)


def test_a_clip_is_predicted_by_a_fit_that_did_not_hear_its_song(project):
    """One nearest neighbour recognises every clip of songs that it knows; with random labels it fails on others."""
    X, _, groups = songs(n_songs=60)
    y = np.repeat(np.random.default_rng(5).integers(0, 3, 60), 4)
    made = project(X, y, groups, train=False)
    model = load_model("knn", ROOT) | {"parameters": {"n_neighbors": 1}}
    table = made.folder / "inner.parquet"
    predict_inner(model, feature_tables=made.tables("one"), **made.settings(), table=table)
    inner = pd.read_parquet(table)
    label_of = dict(zip(made.rows["clip_id"], made.rows["label"], strict=True))
    predicted = np.array(list("abc"))[probabilities(inner).argmax(axis=1)]
    assert 0.2 < (predicted == inner["clip_id"].map(label_of)).mean() < 0.5


def test_weights_of_a_fold_do_not_depend_on_the_labels_of_its_tested_songs(project):
    made = project(*songs())
    made.fuse()
    before = made.weights()
    tested = made.rows["fold"] == 1
    permuted = made.rows.copy()
    permuted.loc[tested, "label"] = np.roll(permuted.loc[tested, "label"], 4)
    assert (permuted["label"] != made.rows["label"]).sum() > 20
    made.write_splits(permuted)
    made.train_members()
    made.fuse()
    after = made.weights()
    changed = (before["weight"] != after["weight"]).groupby(before["fold"]).any()
    assert changed.to_dict() == {0: True, 1: False, 2: True}


def test_inner_folds_depend_on_the_seed_of_the_fold(project, monkeypatch):
    """They are those of `fit`, which is why the predictions are the same."""
    made = project(*songs(), train=False, repeats=2)
    seeds, predict = [], "songwise.models.inner_predictions.predict_held_out"
    held_out = fitting.predict_held_out
    monkeypatch.setattr(predict, lambda *everything: seeds.append(everything[4]) or held_out(*everything))
    made.predict_inner("lda@two")
    assert seeds == [fold_seed(SEED, repeat, fold) for repeat in range(2) for fold in range(3)]


def test_seconds_include_the_fits_of_the_members(project):
    made = project(*songs(), train=True)
    made.fuse()
    own = [read_json(made.folder / name / "fit.json")["fit_seconds"] for name in MEMBERS]
    fused = read_json(made.folder / "fused" / "fit.json")
    assert sum(own) < fused["fit_seconds"] < sum(own) + 5 and fused["constant_columns"] == {}


def test_a_class_with_one_song_to_train_on_is_refused(project):
    X, y, groups = songs(n_songs=12)
    kept = (y != 1) | np.isin(groups, ["song-01", "song-04"])
    numbers = np.array([int(group[-2:]) for group in groups])
    made = project(X[kept], y[kept], groups[kept], fold=(numbers // 3 % 3)[kept], train=False)
    with pytest.raises(InputError, match=r"a fusion of this model need two songs per class in every training fold"):
        made.predict_inner("lda@two")
    assert not (made.folder / "lda@two").exists()


def test_a_member_on_all_columns_is_fused(project):
    """A member without a preset of its own hears what the ensemble hears."""
    made = project(*songs(), train=False)
    member = load_model("lda_shrinkage", ROOT)
    one = made.train(MODEL | {"members": {"lda": member}}, ["one", "two"], "one member")
    alone = made.train(member, ["one", "two"], "alone")
    assert (one["predicted"] == alone["predicted"]).all(), "one exponent above zero changes no verdict"


def test_a_bundle_of_a_fusion_predicts_the_same_after_it_is_loaded(project):
    made = project(*songs(), train=False)
    fit_bundle(
        MODEL, {"name": "both"}, feature_tables=made.tables("one", "two"), **made.settings(), card={"seen": 1},
        folder=made.folder / "bundle",
    )  # fmt: skip
    loaded, card = load_bundle(made.folder / "bundle")
    assert card["columns"] == ["one.c0", "one.c1", "one.c2", "one.c3", "two.c4", "two.c5"]
    assert card["labels"] == ["a", "b", "c"] and card["seen"] == 1 and card["model"]["estimator"] == FUSION
    assert list(loaded.weights_) == loaded.weights and (loaded.weights_ > 0).all()
    examples = Examples.read(MODEL, made.tables("one", "two"), (), made.splits_csv, "by-song")
    X, y = examples.matrix(examples.splits)
    fitted = fitting.fit(MODEL, X, y, examples.splits["group"].to_numpy(), SEED)
    unseen = X + np.random.default_rng(1).normal(size=X.shape)
    np.testing.assert_allclose(loaded.predict_proba(unseen), fitted.probabilities(unseen, 3), atol=1e-4)


def test_a_bundle_takes_the_columns_of_each_preset_from_joined_tables(project):
    """Its members hear the columns that they were fitted on, in the order of card["columns"]."""
    made = project(*songs(), train=False)
    fit_bundle(
        MODEL, {"name": "both"}, feature_tables=made.tables("one", "two"), **made.settings(), card={},
        folder=made.folder / "bundle",
    )  # fmt: skip
    loaded, card = load_bundle(made.folder / "bundle")
    X = read_features(made.tables("one", "two"))[card["columns"]].to_numpy(np.float64)
    members = dict(loaded.members)
    changed = X.copy()
    changed[:, 4:] += 3
    np.testing.assert_array_equal(
        members["logistic@one"].predict_proba(X), members["logistic@one"].predict_proba(changed)
    )
    assert (members["lda@two"].predict_proba(X) != members["lda@two"].predict_proba(changed)).any()
