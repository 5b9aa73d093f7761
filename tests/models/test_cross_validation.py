"""Nothing is learnt from the test set: inner folds keep songs whole, and constant columns are dropped inside a fold."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.tables import songs
from sklearn.linear_model import LogisticRegression

from songwise.errors import InputError
from songwise.files import read_json, write_rows
from songwise.models import cross_validation
from songwise.plan.plan import load_plan
from songwise.splits.table import SPLIT_COLUMNS

ROOT = Path(__file__).parents[2]
MODELS = load_plan({"dataset": "demo", "models": "default"}, ROOT).models


def test_a_class_that_is_missing_in_training_has_the_probability_zero():
    X, y, groups = songs()
    kept = y != 1
    classifier = cross_validation.fit(MODELS["xgboost"], X[kept], y[kept], groups[kept], seed=0)
    assert (classifier.probabilities(X, 3)[:, 1] == 0).all()


def test_a_column_that_is_constant_in_training_is_dropped():
    X, y, groups = songs()
    X[:, 2] = 5
    pipeline = cross_validation.fit(MODELS["lda_shrinkage"], X, y, groups, seed=0).pipeline
    assert pipeline.named_steps["varies"].get_support().tolist() == [True, True, False, True, True, True]


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
        load_plan({"dataset": "demo", "models": "bad"}, tmp_path)


@pytest.fixture
def tables(tmp_path):
    """A function that writes features, splits and tracks of some clips and gives the arguments of cross_validate."""

    def write(X, y, groups, role="test", fold=None):
        clip_ids = [f"{group}@{i % 4}000" for i, group in enumerate(groups)]
        table = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])]).assign(clip_id=clip_ids)
        (tmp_path / "mine").mkdir()
        table.sample(frac=1, random_state=0).to_parquet(tmp_path / "mine" / "0.parquet", index=False)
        fold = np.array([int(group[-2:]) // 3 % 5 for group in groups]) if fold is None else fold
        rows = pd.DataFrame({"clip_id": clip_ids, "track_id": groups, "label": np.array(list("abc"))[y], "fold": fold})
        rows = rows.assign(protocol="by-song", repeat=0, group=groups, role=role)
        write_rows(tmp_path / "splits.csv", SPLIT_COLUMNS, rows.to_dict("records"))
        write_rows(
            tmp_path / "tracks.csv",
            ["track_id", "song"],
            [{"track_id": g, "song": g} for g in sorted(set(groups))],
        )
        return {
            "feature_tables": [tmp_path / "mine" / "0.parquet"],
            "splits_csv": tmp_path / "splits.csv",
            "tracks_csv": tmp_path / "tracks.csv",
            "protocol": "by-song",
            "seed": 0,
            "folder": tmp_path / "out",
        }

    return write


def test_cross_validation_tests_each_clip_on_songs_it_was_not_trained_on(tables, tmp_path, monkeypatch):
    X, y, groups = songs()
    asked = []
    fit = cross_validation.fit
    monkeypatch.setattr(
        cross_validation, "fit", lambda model, X, y, g, *more: asked.append(set(g)) or fit(model, X, y, g, *more)
    )
    cross_validation.cross_validate(MODELS["logistic_regression"], **tables(X, y, groups))
    found = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert list(found.columns) == [
        "repeat", "fold", "clip_id", "track_id", "song", "label", "predicted", "p_a", "p_b", "p_c",
    ]  # fmt: skip
    assert len(found) == len(X) and found["clip_id"].is_unique
    record = pd.read_parquet(tmp_path / "out" / "fits.parquet")
    for fold, trained in enumerate(asked):
        tested = set(found.loc[found["fold"] == fold, "song"])
        assert len(trained) == 24 and not trained & tested
        side = record[(record["fold"] == fold) & (record["role"] == "train")]
        assert set(side["clip_id"].str.split("@").str[0]) == trained


def test_a_fit_to_some_of_the_clips_is_recorded(tables, tmp_path):
    arguments = tables(*songs(75))
    for most, share in ((None, 1.0), (150, 0.625)):
        cross_validation.cross_validate(MODELS["lda_shrinkage"] | {"most_clips": most}, **arguments)
        assert read_json(tmp_path / "out" / "fit.json")["fit_share"] == share


def test_predefined_validation_clips_are_neither_trained_on_nor_tested(tables, tmp_path, monkeypatch):
    X, y, groups = songs()
    role = np.where(groups < "song-06", "test", np.where(groups < "song-12", "valid", "train"))
    given = []
    fit = cross_validation.fit
    monkeypatch.setattr(cross_validation, "fit", lambda *everything: given.append(everything) or fit(*everything))
    cross_validation.cross_validate(
        MODELS["lda_shrinkage"], **tables(X, y, groups, role=role, fold=np.where(role == "test", 0, -1))
    )
    ((_, trained, _, trained_groups, _, (X_valid, y_valid)),) = given
    assert set(trained_groups) == set(groups[role == "train"]) and len(trained) == (role == "train").sum()
    assert np.allclose(X_valid, X[role == "valid"], atol=1e-6) and y_valid.tolist() == y[role == "valid"].tolist()
    record = pd.read_parquet(tmp_path / "out" / "fits.parquet")
    assert record.groupby("role").size().to_dict() == {"train": 72, "valid": 24, "test": 24}
    assert set(pd.read_csv(tmp_path / "out" / "predictions.csv")["song"]) == set(groups[role == "test"])


def test_constant_columns_are_listed_with_the_fits_that_dropped_them(tables, tmp_path):
    X, y, groups = songs()
    X[:, 2] = 5
    X[:, 4] = (groups == "song-01") * 3.0  # varies, except when song-01 is tested
    cross_validation.cross_validate(MODELS["knn"], **tables(X, y, groups))
    assert read_json(tmp_path / "out" / "fit.json")["constant_columns"] == {"c2": 5, "c4": 1}


def test_a_table_without_any_varying_column_is_refused(tables):
    X, y, groups = songs()
    with pytest.raises(InputError, match="mine: every column is constant"):
        cross_validation.cross_validate(MODELS["knn"], **tables(np.ones_like(X), y, groups))


@pytest.mark.parametrize(("value", "shown"), [(np.nan, "nan"), (np.inf, "inf")])
def test_a_value_that_is_not_a_number_is_named_before_any_training(tables, monkeypatch, value, shown):
    X, y, groups = songs()
    X[9, 3] = value
    monkeypatch.setattr(cross_validation, "fit", None)
    with pytest.raises(InputError, match=rf"mine/0\.parquet: clip 'song-02@1000' has {shown} in column 'c3'"):
        cross_validation.cross_validate(MODELS["knn"], **tables(X, y, groups))


def test_logistic_regression_sees_scaled_training_rows_only(monkeypatch):
    X, y, groups = songs()
    seen = []

    class Recorder(LogisticRegression):
        def fit(self, X, y, **options):
            seen.append(X)
            return super().fit(X, y, **options)

    monkeypatch.setattr("sklearn.linear_model.LogisticRegression", Recorder)
    cross_validation.fit(MODELS["logistic_regression"], X[:60] * 100 + 7, y[:60], groups[:60], seed=0)
    assert np.allclose(seen[0].mean(axis=0), 0) and np.allclose(seen[0].std(axis=0), 1)
