"""The learning curve thins whole groups, each step within the next; the family that the model needs is important."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from songwise.features.presets import names_of
from songwise.files import read_json, write_rows
from songwise.models.cross_validation import fold_seed
from songwise.models.files import load_model
from songwise.splits.table import SPLIT_COLUMNS
from songwise.studies import best_model, learning_curve
from songwise.studies.data import read_data
from songwise.studies.importance import families_of, swapped

ROOT = Path(__file__).parents[2]
LDA = load_model("lda_shrinkage", ROOT)
KNN = load_model("knn", ROOT)


def family(name: str, n: int) -> dict:
    options = {"n": n, "part": "whole"}
    return {"prefix": name, "family": name, "frame": {}, "options": options, "pool": 1, "statistics": ["mean"]}


PRESET = {"families": [family("mfcc", 6), family("mel", 6), {**family("mfcc", 3), "prefix": "mfcc_short"}]}
NAMES = ["mfcc_01_mean", "mfcc_02_mean", "mfcc_03_mean", "mfcc_04_mean", "mfcc_05_mean", "mfcc_06_mean"]


def study_best(folder: Path, given: dict) -> None:
    """Run the study on what `planted` wrote."""
    options = {name: given[name] for name in ("models", "presets", "seed")}
    tables = {name: value for name, value in given.items() if name not in ("presets", "seed")} | {"frames": []}
    best_model.study_best(read_data(**tables), **options, folder=folder)


def planted(folder: Path, *, n_songs: int = 90, clips: int = 3, joined: bool = True) -> dict:
    """Write songs of three classes in five folds: mfcc identifies the class, mel and mfcc_short are noise.

    Every tenth song is in a group with another one, and the labels of the second repeat are wrong.
    """
    rng = np.random.default_rng(0)
    songs = [f"song-{index:02d}" for index in range(n_songs)]
    group_of = {song: songs[index - 3] if joined and index % 10 == 3 else song for index, song in enumerate(songs)}
    rows, numbers = [], []
    for index, song in enumerate(songs):
        label = index % 3
        signal = np.eye(3)[label].repeat(2) + rng.normal(size=6)
        for clip in range(clips):
            place = {"clip_id": f"{song}@{clip}", "track_id": f"track-{song}"}
            numbers.append({**place, **dict(zip(NAMES, signal + 0.3 * rng.normal(size=6), strict=True))})
            rows += [
                {"protocol": "by-song", "repeat": repeat, **place, "label": "abc"[label if repeat == 0 else clip],
                 "group": group_of[song], "fold": songs.index(group_of[song]) // 3 % 5, "role": "test"}
                for repeat in range(2)
            ]  # fmt: skip
    table = pd.DataFrame(numbers).drop(columns="track_id")
    noise = rng.normal(size=(len(table), 9))
    names = [name for one in PRESET["families"][1:] for name in names_of(one)]
    table = table.join(pd.DataFrame(noise, columns=names))
    (folder / "planted/key").mkdir(parents=True)
    table.sample(frac=1, random_state=0).to_parquet(folder / "planted/key/0.parquet", index=False)
    write_rows(folder / "splits.csv", SPLIT_COLUMNS, rows)
    tracks = [{"track_id": f"track-{song}", "song": song, "status": "ok"} for song in songs]
    write_rows(folder / "tracks.csv", ["track_id", "song", "status"], tracks)
    pairs = [
        {"track_id": f"track-{song}", "other_track_id": f"track-{other}"}
        for song, other in group_of.items()
        if song != other
    ]
    write_rows(folder / "duplicates.csv", ["track_id", "other_track_id"], pairs)
    write_rows(folder / "leaderboard.csv", ["model", "features"], [{"model": "lda", "features": "planted"}])
    return {
        "models": {"lda@planted": LDA},
        "presets": {"planted": PRESET},
        "leaderboard": folder / "leaderboard.csv",
        "feature_tables": [folder / "other/key/0.parquet", folder / "planted/key/0.parquet"],
        "splits_csv": folder / "splits.csv",
        "tracks_csv": folder / "tracks.csv",
        "duplicates_csv": folder / "duplicates.csv",
        "parts": {"planted": ["planted"]},
        "protocol": "by-song",
        "seed": 0,
    }


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of a study, and the clips that each of its fits was given, as (X, y, groups, seed)."""
    folder = tmp_path_factory.mktemp("study")
    data, fit, fits = planted(folder), best_model.fit, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best_model, "fit", lambda *given: fits.append(given[1:]) or fit(*given))
        study_best(folder / "out", data)
    return folder / "out", data, fits


def test_each_step_of_the_curve_contains_the_one_before_in_whole_groups(study):
    folder, data, fits = study
    splits = pd.read_csv(data["splits_csv"]).query("repeat == 0")
    curve = pd.read_csv(folder / "learning_curve.csv")
    assert curve["songs_per_class"].tolist() == [3, 4, 7, 14, 27]
    assert len(fits) == 5 * 5
    for fold in range(5):
        whole = splits[splits["fold"] != fold]
        before: set = set()
        for size, (X, _, groups, seed) in zip(curve["songs_per_class"], fits[5 * fold : 5 * fold + 5], strict=True):
            assert len(X) == whole["group"].isin(set(groups)).sum()  # all clips of every group
            assert before <= set(groups)
            assert seed == fold_seed(0, 0, fold)  # the leaderboard's
            before = set(groups)
            songs = whole[whole["group"].isin(before)].groupby("label")["track_id"].nunique()
            if size < 27:
                assert songs.between(size - 1, size).all()  # the next group may hold two
        assert before == set(whole["group"])
        assert not before & set(splits.loc[splits["fold"] == fold, "group"])


def test_the_curve_rises_if_there_is_more_to_learn(study):
    folder, _, _ = study
    curve = pd.read_csv(folder / "learning_curve.csv")
    assert (curve["low"] <= curve["song_accuracy"]).all() and (curve["song_accuracy"] <= curve["high"]).all()
    assert curve["song_accuracy"].iloc[0] + 0.1 < curve["song_accuracy"].iloc[-1]
    assert curve["n_train_songs"].iloc[-1] == pytest.approx(72)
    facts = read_json(folder / "study.json")
    assert facts["run"] == "lda@planted" and facts["rise"]["songs_per_class"] == 14
    found = facts["whole"]["song_accuracy"] - facts["rise"]["song_accuracy"]
    assert facts["rise"]["rise"] == pytest.approx(found, abs=2e-4)


def test_only_the_family_that_identifies_the_class_is_important(study):
    folder, _, _ = study
    falls = pd.read_csv(folder / "importance.csv").set_index("family")
    assert falls["columns"].to_dict() == {"mfcc": 9, "mel": 6}
    assert falls.index[0] == "mfcc" and falls.loc["mfcc", "low"] > 0.2
    assert falls.loc["mel", "low"] <= 0 <= falls.loc["mel", "high"] and abs(falls.loc["mel", "fall"]) < 0.05


def test_the_same_seed_gives_the_same_files(study, tmp_path):
    folder, data, _ = study
    study_best(tmp_path, data)
    names = ["importance.csv", "learning_curve.csv", "study.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert all((tmp_path / name).read_bytes() == (folder / name).read_bytes() for name in names)


def test_the_whole_training_set_is_fitted_as_for_the_leaderboard(study, tmp_path):
    from songwise.evaluation.confusion import Confusions
    from songwise.evaluation.metrics import accuracy
    from songwise.evaluation.predictions import read_predictions
    from songwise.evaluation.verdicts import song_verdicts
    from songwise.evaluation.votes import read_units
    from songwise.models.cross_validation import cross_validate

    folder, data, _ = study
    given = {name: data[name] for name in ("splits_csv", "tracks_csv", "protocol", "seed")}
    cross_validate(LDA, feature_tables=data["feature_tables"][1:], **given, folder=tmp_path)
    predictions = read_predictions(tmp_path / "predictions.csv").query("repeat == 0")
    tables = {name: data[name] for name in ("tracks_csv", "duplicates_csv", "splits_csv", "protocol")}
    total = Confusions(song_verdicts(predictions), read_units(**tables), ["a", "b", "c"]).total
    assert read_json(folder / "study.json")["whole"]["song_accuracy"] == pytest.approx(accuracy(total), abs=1e-4)


def test_a_step_that_is_too_small_for_the_model_is_left_out(tmp_path, capsys):
    data = planted(tmp_path)
    data["models"] = {"lda@planted": KNN | {"parameters": {"n_neighbors": 30}, "search": {}}}
    study_best(tmp_path / "out", data)
    assert pd.read_csv(tmp_path / "out/learning_curve.csv")["songs_per_class"].tolist() == [4, 7, 14, 27]
    assert "3 songs per class are too few for lda@planted" in capsys.readouterr().out


def test_classes_that_cannot_be_thinned_have_a_curve_of_one_point(tmp_path):
    study_best(tmp_path / "out", planted(tmp_path, n_songs=9, joined=False))
    curve = pd.read_csv(tmp_path / "out/learning_curve.csv")
    assert curve["songs_per_class"].tolist() == [2] and curve["n_train_songs"].tolist() == [6]
    assert read_json(tmp_path / "out/study.json")["rise"] is None
    assert set(pd.read_csv(tmp_path / "out/importance.csv")["family"]) == {"mfcc", "mel"}


def test_a_song_gets_all_its_numbers_from_one_other_song():
    songs = np.array(["a", "b", "a", "c", "c", "c", "b"])
    rng = np.random.default_rng(1)
    lenders = set()
    for _ in range(50):
        rows = swapped(songs, rng)
        found = {song: set(songs[rows[songs == song]]) for song in "abc"}
        assert all(len(lender) == 1 for lender in found.values())
        assert set().union(*found.values()) == set("abc")
        for song in "abc":
            mine, theirs = rows[songs == song], np.flatnonzero(songs == songs[rows[songs == song][0]])
            assert mine.tolist() == [theirs[index % len(theirs)] for index in range(len(mine))]
        lenders.add("".join(found["c"]))
    assert lenders == set("abc")


def test_a_shared_column_belongs_to_the_first_family():
    preset = {"families": [family("mfcc", 2), {**family("mel", 3), "prefix": "mfcc"}]}
    assert families_of(preset, ["mfcc_03_mean", "mfcc_01_mean", "mfcc_02_mean"]) == {"mel": [0], "mfcc": [1, 2]}


def test_families_of_columns_from_elsewhere_follow_from_their_names():
    columns = ["tempo", "mfcc1_mean", "mfcc12_var", "chroma_stft_mean", "chroma_03_skew", "spectral_rolloff"]
    found = {"tempo": [0], "mfcc": [1, 2], "chroma_stft": [3], "chroma": [4], "spectral_rolloff": [5]}
    assert families_of({"families": []}, columns) == found


@pytest.mark.parametrize(
    ("largest", "expected"), [(1, [1]), (2, [2]), (4, [2, 3, 4]), (8, [2, 3, 4, 6, 8]), (33, [2, 4, 8, 16, 33])]
)
def test_the_last_step_has_all_songs_of_the_largest_class(largest, expected):
    side = pd.DataFrame({"label": ["a"] * largest + ["b"], "song": [*range(largest), "other"]})
    steps = learning_curve.thinned([side.assign(group=side["song"].astype(str))], seed=0)
    assert list(steps) == expected and len(steps[largest][0]) == largest + 1


def test_at_least_two_large_groups_per_class_are_kept_in_fewer_steps():
    """By artist: four artists per class with eight songs each."""
    songs = [
        (label, f"{label}{artist}{song}", f"{label}{artist}")
        for label in "ab"
        for artist in "wxyz"
        for song in "12345678"
    ]
    side = pd.DataFrame(songs, columns=["label", "song", "group"])
    steps = learning_curve.thinned([side], seed=0)
    assert {size: kept[0]["group"].nunique() for size, kept in steps.items()} == {16: 4, 32: 8}
