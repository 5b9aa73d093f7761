"""A network in the place of other models: inner folds, model files, bundles and the files of a run."""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from helpers.frames import easy_clips
from helpers.project import ROOT

torch = pytest.importorskip("torch")

from songwise.errors import InputError  # noqa: E402
from songwise.files import read_rows, write_rows  # noqa: E402
from songwise.models import cross_validation  # noqa: E402
from songwise.models.bundle import load_bundle, save_bundle  # noqa: E402
from songwise.models.deep.estimator import DeepClassifier  # noqa: E402
from songwise.models.files import load_model  # noqa: E402
from songwise.models.fit import fit  # noqa: E402
from songwise.splits.table import SPLIT_COLUMNS  # noqa: E402

SHIPPED = ("cnn", "cnn_compact", "crnn", "gru_mel", "gru_mfcc", "lstm_mel", "lstm_mfcc", "raw_cnn")
FAST = {"crop": 32, "pool": 1, "epochs": 4, "batch_size": 12, "learning_rate": 0.01, "device": "cpu"}


def a_model(name: str = "cnn_compact", early_stopping: int | None = 3, **parameters) -> dict:
    model = load_model(name, ROOT) | {"early_stopping": early_stopping}
    return model | {"parameters": model["parameters"] | FAST | parameters}


@pytest.fixture
def follow(monkeypatch):
    """The clips of each fit of a network: those that it trained on and those that it stopped on."""
    fits = []
    fit_ = DeepClassifier.fit

    def record(self, X, y, X_valid=None, y_valid=None):
        fits.append((set(X.clip_ids), set() if X_valid is None else set(X_valid.clip_ids)))
        return fit_(self, X, y, X_valid, y_valid)

    monkeypatch.setattr(DeepClassifier, "fit", record)
    return fits


def songs_of(clips: set[str]) -> set[str]:
    return {clip.partition("@")[0] for clip in clips}


def test_early_stopping_holds_out_whole_songs_of_one_inner_fold(tmp_path, follow):
    X, y, groups = easy_clips(tmp_path, n_songs=30)
    classifier = fit(a_model(), X, y, groups, seed=1)
    ((trained, held_out),) = follow
    assert not songs_of(trained) & songs_of(held_out)
    assert trained | held_out == set(X.clip_ids)
    assert len(songs_of(held_out)) == 6, "one fold of five"
    assert classifier.pipeline.curve_[0]["held_out_loss"] is not None
    assert (classifier.probabilities(X, 3).argmax(axis=1) == y).mean() > 0.9


def test_predefined_validation_clips_stop_training_and_are_never_trained_on(tmp_path, follow):
    X, y, groups = easy_clips(tmp_path)
    held = groups >= "song-12"
    fit(a_model(), X[~held], y[~held], groups[~held], 1, (X[held], y[held]))
    ((trained, held_out),) = follow
    assert trained == set(X.clip_ids[~held]) and held_out == set(X.clip_ids[held])


def test_without_early_stopping_all_clips_are_trained_on_for_all_epochs(tmp_path, follow):
    X, y, groups = easy_clips(tmp_path)
    classifier = fit(a_model(early_stopping=None), X, y, groups, seed=1)
    assert follow == [(set(X.clip_ids), set())] and len(classifier.pipeline.curve_) == 4


def test_too_few_songs_for_an_inner_fold_is_an_input_error(tmp_path):
    X, y, groups = easy_clips(tmp_path, n_songs=3)
    with pytest.raises(InputError, match=r"cnn_compact\.yaml: .* two songs per class"):
        fit(a_model(), X, y, groups, seed=1)


def test_a_class_that_is_missing_in_training_has_the_probability_zero(tmp_path):
    X, y, groups = easy_clips(tmp_path)
    kept = y != 1
    classifier = fit(a_model(), X[kept], y[kept], groups[kept], seed=0)
    assert (classifier.probabilities(X, 3)[:, 1] == 0).all()


def test_weights_and_seed_of_the_file_reach_the_network(tmp_path):
    X, y, groups = easy_clips(tmp_path)
    network = fit(a_model() | {"weights": "balanced"}, X, y, groups, seed=7).pipeline
    assert network.class_weight == "balanced" and network.random_state == 7 and network.patience == 3


@pytest.mark.parametrize("name", SHIPPED)
def test_a_bundle_of_every_shipped_network_predicts_as_the_saved_one(tmp_path, name):
    model = a_model(name, epochs=1)
    if name == "raw_cnn":
        model["parameters"]["crop"] = 1000
    X, y, groups = easy_clips(tmp_path, model["parameters"]["family"], n_songs=6)
    network = fit(model, X, y, groups, seed=1).pipeline
    save_bundle(tmp_path / "bundle", network, {"labels": list("abc")})
    assert sorted(path.name for path in (tmp_path / "bundle").iterdir()) == [
        "bundle.json", "network.json", "network.safetensors",
    ]  # fmt: skip
    loaded, card = load_bundle(tmp_path / "bundle")
    assert card == {"labels": list("abc")} and loaded.get_params() == network.get_params()
    np.testing.assert_allclose(loaded.predict_proba(X), network.predict_proba(X), atol=1e-7)
    assert loaded.predict(X).tolist() == network.predict(X).tolist()


@pytest.fixture
def bundle(tmp_path):
    """A small network's bundle."""
    X, y, groups = easy_clips(tmp_path, n_songs=6)
    save_bundle(tmp_path / "bundle", fit(a_model(epochs=1), X, y, groups, seed=1).pipeline, {})
    return tmp_path / "bundle"


def _change(bundle, **keys):
    description = json.loads((bundle / "network.json").read_text())
    (bundle / "network.json").write_text(json.dumps(description | keys))


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_truncated_weights_are_named(bundle, share):
    whole = (bundle / "network.safetensors").read_bytes()
    (bundle / "network.safetensors").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=r"network\.safetensors: is not a network of songwise \(.*; train the model"):
        load_bundle(bundle)


def test_a_header_that_claims_more_than_the_file_has_is_refused(bundle):
    for claimed in (2**63, 10**9, 100):
        (bundle / "network.safetensors").write_bytes(claimed.to_bytes(8, "little") + b"{}" + b" " * 98)
        with pytest.raises(InputError, match=r"network\.safetensors: is not a network of songwise"):
            load_bundle(bundle)


def test_a_pickle_in_place_of_weights_is_not_executed(bundle, tmp_path):
    class Touch:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    torch.save({"mean": Touch()}, bundle / "network.safetensors")
    with pytest.raises(InputError, match=r"network\.safetensors: is not a network"):
        load_bundle(bundle)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"format": 2}, "its format is 2"),
        ({"rows": 10**12}, "rows is 1000000000000"),
        ({"classes": "3"}, "classes is '3'"),
        ({"crop": True}, "crop is True"),
        ({"crop": 10_000_000}, "crop x rows is 160000000, more than 10000000"),
        ({"parameters": {"architecture": "os.system"}}, "architecture"),
        ({"parameters": {"command": "ls"}}, "command"),
        ({"parameters": [1]}, "mapping"),
    ],
)
def test_a_forged_description_is_named(bundle, keys, message):
    _change(bundle, **keys)
    with pytest.raises(InputError, match=rf"network\.json: is not a network of songwise \(.*{message}"):
        load_bundle(bundle)


@pytest.mark.parametrize("keys", [{"rows": 512}, {"classes": 10_000}, {"crop": 10_000, "rows": 512}])
def test_sizes_that_are_not_those_of_the_weights_are_refused_and_allocate_nothing(bundle, keys):
    for architecture in ("cnn", "cnn_compact"):
        parameters = json.loads((bundle / "network.json").read_text())["parameters"]
        _change(bundle, parameters=parameters | {"architecture": architecture}, **keys)
        with pytest.raises(InputError, match=r"network\.safetensors: is not a network"):
            load_bundle(bundle)


def test_weights_that_are_not_finite_are_refused(bundle):
    from safetensors.torch import load_file, save_file

    weights = load_file(bundle / "network.safetensors")
    save_file(weights | {"std": weights["std"] * torch.nan}, bundle / "network.safetensors")
    with pytest.raises(InputError, match=r"network\.safetensors: .*std is not torch.float32, or is not finite"):
        load_bundle(bundle)


def test_a_missing_description_is_named(bundle):
    (bundle / "network.json").unlink()
    with pytest.raises(InputError, match=r"network\.json: No such file"):
        load_bundle(bundle)


@pytest.fixture
def run(tmp_path):
    """The arguments of cross_validate and fit_bundle for a network on a few clips."""
    X, y, groups = easy_clips(tmp_path, n_songs=18)
    table = tmp_path / "mine" / "0.parquet"
    table.parent.mkdir()
    pd.DataFrame({"clip_id": X.clip_ids}).to_parquet(table, index=False)
    fold = np.array([int(song[-2:]) // 3 % 3 for song in groups])
    rows = pd.DataFrame({"clip_id": X.clip_ids, "track_id": groups, "label": np.array(list("abc"))[y], "fold": fold})
    rows = rows.assign(protocol="by-song", repeat=0, group=groups, role="test")
    write_rows(tmp_path / "splits.csv", SPLIT_COLUMNS, rows.to_dict("records"))
    write_rows(tmp_path / "tracks.csv", ["track_id", "song"], [{"track_id": g, "song": g} for g in sorted(set(groups))])
    return {
        "feature_tables": [table],
        "frames": [tmp_path / "log_mel.frames.arrow"],
        "splits_csv": tmp_path / "splits.csv",
        "protocol": "by-song",
        "seed": 0,
    }


def test_a_run_writes_predictions_and_curves_and_its_bundle_predicts_as_it_does(run, tmp_path):
    cross_validation.cross_validate(
        a_model(epochs=6), **run, tracks_csv=tmp_path / "tracks.csv", folder=tmp_path / "out"
    )
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert len(predictions) == 72 and (predictions["label"] == predictions["predicted"]).mean() > 0.8
    curves = read_rows(tmp_path / "out" / "curves.csv")
    assert list(curves[0]) == list(cross_validation.CURVE_COLUMNS)
    assert {row["fold"] for row in curves} == {"0", "1", "2"}
    for before, after in pairwise(curves):
        assert before["fold"] != after["fold"] or int(after["epoch"]) == int(before["epoch"]) + 1
    assert json.loads((tmp_path / "out" / "fit.json").read_text())["constant_columns"] == {}
    assert len(pd.read_parquet(tmp_path / "out" / "fits.parquet")) == 3 * 72

    model = a_model(epochs=6)
    cross_validation.fit_bundle(model, {"name": "mine"}, **run, card={"clip": None}, folder=tmp_path / "bundle")
    network, card = load_bundle(tmp_path / "bundle")
    assert card["columns"] == [] and card["labels"] == ["a", "b", "c"]
    X, y, groups = easy_clips(tmp_path, n_songs=18)
    again = fit(model, X, y, groups, 0)
    np.testing.assert_allclose(network.predict_proba(X), again.probabilities(X, 3), atol=1e-6)
