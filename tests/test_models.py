"""Nothing is learnt from the test side: inner folds keep songs whole, and constant columns go inside the fold."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from songwise import models
from songwise.config import load_plan
from songwise.errors import InputError
from songwise.files import write_rows
from songwise.splits import COLUMNS

ROOT = Path(__file__).parents[1]
MODELS = load_plan({"dataset": "demo", "models": "default"}, ROOT).models


def songs(n_songs: int = 30, clips: int = 4, columns: int = 6):
    """Clips of songs of three classes: y, groups, and X with a part of the song's own and a part of the class."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(n_songs) % 3, clips)
    groups = np.repeat([f"song-{i:02d}" for i in range(n_songs)], clips)
    own = np.repeat(rng.normal(size=(n_songs, columns)), clips, axis=0)
    return y[:, None] * 0.7 + own + 0.1 * rng.normal(size=(len(y), columns)), y, groups


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_default_model_learns_and_gives_probabilities(name):
    X, y, groups = songs()
    classifier = models.fit(MODELS[name], X, y, groups, seed=1)
    found = classifier.probabilities(X, 3)
    assert found.shape == (len(X), 3)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5) and found.min() >= 0
    if name != "majority":
        assert (found.argmax(axis=1) == y).mean() > 0.5
    again = models.fit(MODELS[name], X, y, groups, seed=1).probabilities(X, 3)
    assert np.array_equal(found, again)


def test_every_inner_fit_keeps_songs_whole(monkeypatch):
    """Search and calibration: the rows of each inner fit, told by an id column, never share a song with their test."""
    X, y, groups = songs()
    X = np.column_stack([X, np.arange(len(X))])
    fitted = []

    class Recorder(SVC):
        def fit(self, X, y, **options):
            fitted.append(np.rint(X[:, -1]).astype(int))
            return super().fit(X, y, **options)

        def decision_function(self, X):
            rows = set(groups[np.rint(X[:, -1]).astype(int)])
            fits.append((set(groups[fitted[-1]]), rows))
            return super().decision_function(X)

    fits = []
    monkeypatch.setattr("sklearn.svm.SVC", Recorder)
    model = MODELS["svm_rbf"] | {"scale": "none"}
    models.fit(model, X, y, groups, seed=1)
    assert len(fitted) == 3 * 3 + 3 + 1  # a grid of three C on three inner folds, three to calibrate, one to keep
    inner = [rows for rows in fitted if len(rows) < len(X)]
    assert len(inner) == 12
    for rows in inner:
        outside = set(groups) - set(groups[rows])
        assert not outside & set(groups[rows])
        assert all(np.isin(np.flatnonzero(groups == song), rows).all() for song in set(groups[rows]))
    assert fits and all(not trained & tested for trained, tested in fits)


def test_a_class_that_training_lacks_gets_probability_zero():
    X, y, groups = songs()
    kept = y != 1
    classifier = models.fit(MODELS["xgboost"], X[kept], y[kept], groups[kept], seed=0)
    assert (classifier.probabilities(X, 3)[:, 1] == 0).all()


def test_a_column_that_is_constant_in_training_is_dropped():
    X, y, groups = songs()
    X[:, 2] = 5
    pipeline = models.fit(MODELS["lda_shrinkage"], X, y, groups, seed=0).pipeline
    assert pipeline.named_steps["varies"].get_support().tolist() == [True, True, False, True, True, True]


def test_an_unknown_parameter_is_named():
    with pytest.raises(
        InputError, match=r"config/models/knn\.yaml: KNeighborsClassifier has no parameter 'neighbours'"
    ):
        models.build(MODELS["knn"] | {"parameters": {"neighbours": 3}}, seed=0)


def test_too_few_songs_for_inner_folds_is_said_in_words():
    X, y, groups = songs(n_songs=3)
    with pytest.raises(InputError, match="two songs a class"):
        models.fit(MODELS["svm_rbf"], X, y, groups, seed=0)


def test_an_estimator_may_only_come_from_the_list(tmp_path):
    (tmp_path / "config").mkdir()
    for name in ("datasets", "features"):
        (tmp_path / "config" / name).symlink_to(ROOT / "config" / name)
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    (tmp_path / "config" / "models").mkdir()
    (tmp_path / "config" / "model_groups.yaml").write_text("default: [bad]\n")
    bad = {"name": "bad", "estimator": "os.system", "features": ["jlaoo26"]}
    (tmp_path / "config" / "models" / "bad.yaml").write_text(yaml.safe_dump(bad))
    with pytest.raises(InputError, match=r"bad\.yaml: estimator: 'os\.system' is not one of"):
        load_plan({"dataset": "demo", "models": "default"}, tmp_path)


def test_cross_validation_tests_each_clip_on_songs_it_was_not_trained_on(tmp_path, monkeypatch):
    X, y, groups = songs()
    clip_ids = [f"{group}@{i % 4}000" for i, group in enumerate(groups)]
    table = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])]).assign(clip_id=clip_ids)
    table.sample(frac=1, random_state=0).to_parquet(tmp_path / "0.parquet", index=False)
    rows = [
        {"protocol": "by-song", "repeat": 0, "clip_id": clip, "track_id": group, "label": "abc"[label], "group": group,
         "fold": int(group[-2:]) // 3 % 5, "role": "test"}
        for clip, group, label in zip(clip_ids, groups, y, strict=True)
    ]  # fmt: skip
    write_rows(tmp_path / "splits.csv", COLUMNS, rows)
    write_rows(
        tmp_path / "tracks.csv",
        ["track_id", "song"],
        [{"track_id": g, "song": g} for g in sorted(set(groups))],
    )
    asked = []
    fit = models.fit
    monkeypatch.setattr(models, "fit", lambda model, X, y, g, seed: asked.append(set(g)) or fit(model, X, y, g, seed))
    models.cross_validate(
        MODELS["logistic_regression"],
        feature_tables=[tmp_path / "0.parquet"],
        splits_csv=tmp_path / "splits.csv",
        tracks_csv=tmp_path / "tracks.csv",
        protocol="by-song",
        seed=0,
        folder=tmp_path / "out",
    )
    found = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert list(found.columns) == [
        "repeat", "fold", "clip_id", "track_id", "song", "label", "predicted", "p_a", "p_b", "p_c",
    ]  # fmt: skip
    assert sorted(found["clip_id"]) == sorted(clip_ids)
    record = pd.read_parquet(tmp_path / "out" / "fits.parquet")
    for fold, trained in enumerate(asked):
        tested = set(found.loc[found["fold"] == fold, "song"])
        assert len(trained) == 24 and not trained & tested
        side = record[(record["fold"] == fold) & (record["role"] == "train")]
        assert set(side["clip_id"].str.split("@").str[0]) == trained


def test_logistic_regression_sees_scaled_training_rows_only(monkeypatch):
    X, y, groups = songs()
    seen = []

    class Recorder(LogisticRegression):
        def fit(self, X, y, **options):
            seen.append(X)
            return super().fit(X, y, **options)

    monkeypatch.setattr("sklearn.linear_model.LogisticRegression", Recorder)
    models.fit(MODELS["logistic_regression"], X[:60] * 100 + 7, y[:60], groups[:60], seed=0)
    assert np.allclose(seen[0].mean(axis=0), 0) and np.allclose(seen[0].std(axis=0), 1)
