"""From predictions to the leaderboard, on planted data."""

import json

import numpy as np
import pandas as pd
import pytest

from songwise.errors import InputError
from songwise.evaluation.columns import CALIBRATION_COLUMNS, LEADERBOARD_COLUMNS
from songwise.evaluation.leaderboard import evaluate_models
from songwise.files import read_json, read_rows, write_json, write_rows

LABELS = ["Jazz", "Rock/Metal", "Rock/Punk"]
SONGS = {f"{label[-1]}{artist}{number}": label for label in LABELS for artist in "uvw" for number in range(4)}
ARTIST = {song: song[:2] for song in SONGS}
TWINS = ("zu0", "zu1")
RUN = {"label": "genre", "dataset": "planted"}


@pytest.fixture
def results(tmp_path):
    """36 songs of nine artists; Jazz ends in z."""
    tracks = [
        {"track_id": song, "label": label, "song": song, "status": "ok", "sha256": "", "audio_sha256": song}
        for song, label in SONGS.items()
    ]
    write_rows(tmp_path / "tracks.csv", list(tracks[0]), tracks)
    twins = {"track_id": TWINS[0], "other_track_id": TWINS[1], "similarity": 1, "same_label": "true"}
    write_rows(tmp_path / "duplicates.csv", list(twins), [twins])
    return tmp_path


def write_splits(folder, groups: dict[str, dict[str, str]]) -> None:
    rows = [
        {"protocol": protocol, "repeat": 0, "track_id": song, "group": group, "fold": 0}
        for protocol, group_of in groups.items()
        for song, group in group_of.items()
    ]
    write_rows(folder / "splits.csv", list(rows[0]), rows)


def predict(folder, run: str, protocol: str, *, share: float, songs=tuple(SONGS), repeats=2, seed=0) -> None:
    """Predictions of a model that is right about a share of the songs, two clips each."""
    rng = np.random.default_rng([seed, round(1000 * share)])
    right = dict.fromkeys(songs, False) | dict.fromkeys(songs[: round(share * len(songs))], True)
    rows = []
    for repeat in range(repeats):
        for song in songs:
            at = LABELS.index(SONGS[song])
            top = at if right[song] else (at + 1) % 3
            for start in (0, 10_000):
                shares = np.round(0.5 * np.eye(3)[top] + 0.5 * rng.dirichlet([2, 2, 2]), 6)
                rows.append([repeat, len(rows) % 3 if "random" in protocol else hash_of(song), f"{song}@{start}"])
                rows[-1] += [song, song, SONGS[song], LABELS[shares.argmax()], *shares]
    columns = ["repeat", "fold", "clip_id", "track_id", "song", "label", "predicted"]
    place = folder / "models" / run / protocol
    place.mkdir(parents=True)
    pd.DataFrame(rows, columns=[*columns, *(f"p_{label}" for label in LABELS)]).to_csv(
        place / "predictions.csv", index=False
    )
    write_json(place / "fit.json", {"fit_seconds": 1.0, "fit_share": 1.0})


def hash_of(song: str) -> int:
    return sum(map(ord, song)) % 3


def params(models: list[str]) -> dict[str, dict]:
    return {f"{model}@mfcc": RUN | {"model": model, "features": "mfcc"} for model in models}


def evaluate(folder, models: list[str], protocols: list[str], kept: list[str] = (), stale=()) -> list[dict]:
    evaluate_models(
        runs=params(models),
        kept=params(kept),
        stale=dict(stale),
        about={"title": "Planted songs", "label": "genre"},
        protocols=protocols,
        tracks_csv=folder / "tracks.csv",
        duplicates_csv=folder / "duplicates.csv",
        splits_csv=folder / "splits.csv",
        seed=0,
        folder=folder,
    )
    return read_rows(folder / "leaderboard.csv")


def by_song() -> dict[str, str]:
    return {song: TWINS[0] if song in TWINS else song for song in SONGS}


def test_models_are_ranked_and_compared(results):
    write_splits(results, {"by-song": by_song(), "random-clips": {song: f"{song}@0" for song in SONGS}})
    for model, share in (("good", 0.9), ("fair", 0.85), ("bad", 0.2)):
        predict(results, f"{model}@mfcc", "by-song", share=share)
        predict(results, f"{model}@mfcc", "random-clips", share=1.0)
    board = evaluate(results, ["bad", "fair", "good"], ["by-song", "random-clips"])
    assert list(board[0]) == list(LEADERBOARD_COLUMNS)
    assert [row["model"] for row in board] == ["good", "fair", "bad"]
    assert [row["tied"] for row in board] == ["true", "true", "false"]
    assert (board[0]["n_songs"], board[0]["n_groups"], board[0]["n_clips"]) == ("35", "35", "72")
    assert float(board[0]["p_best"]) == 1 and float(board[2]["p_best"]) < 0.01
    headline = read_json(results / "headline.json")
    assert headline["best"] == "good@mfcc" and headline["within_noise"] == ["fair@mfcc"]
    assert (headline["title"], headline["label"], headline["protocol"]) == ("Planted songs", "genre", "by-song")
    assert headline["n_models"] == 3 and headline["stale"] == {}
    assert headline["guessing"] == pytest.approx(12 / 35, abs=1e-4)  # the twins are one of the 11 songs of Jazz

    # The twins are both right, and one vote: 31 of 35.
    assert float(board[0]["song_accuracy"]) == pytest.approx(31 / 35, abs=1e-4)
    metrics = json.loads((results / "models/good@mfcc/metrics.json").read_text(), parse_constant=pytest.fail)
    for level in ("clip", "song"):
        for name in ("accuracy", "balanced_accuracy", "macro_f1"):
            low, value, high = (metrics[f"{level}_{name}{end}"] for end in ("_low", "", "_high"))
            assert 0.5 < low < value < high <= 1
        for name in ("top2_accuracy", "log_loss", "auc", "ece"):
            assert metrics[f"{level}_{name}"] >= 0
    assert not [name for name, value in metrics.items() if isinstance(value, bool)]  # MLflow would log it
    assert metrics["protocols"]["random-clips"]["inflation"] == pytest.approx(1 - metrics["clip_accuracy"])

    classes = read_rows(results / "models/good@mfcc/classes.csv")
    of_songs = {row["label"]: row for row in classes if row["level"] == "song"}
    assert len(classes) == 6 and [float(of_songs[label]["support"]) for label in LABELS] == [11, 12, 12]
    assert float(of_songs["Jazz"]["recall"]) == 1

    rules = read_rows(results / "rules.csv")
    assert [row["rule"] for row in rules[:3]] == ["mean log-probability", "majority vote", "mean probability"]
    assert len(rules) == 9 and rules[0]["song_accuracy"] == board[0]["song_accuracy"]
    assert (rules[0]["low"], rules[0]["high"]) == (board[0]["song_accuracy_low"], board[0]["song_accuracy_high"])

    levels = read_rows(results / "levels.csv")
    assert [(row["model"], row["level"], row["n_labels"]) for row in levels[:2]] == [
        ("good", "1", "2"),
        ("good", "2", "3"),
    ]
    assert levels[1]["song_accuracy"] == board[0]["song_accuracy"]
    assert float(levels[0]["song_accuracy"]) >= float(levels[1]["song_accuracy"])
    top = {row["label"]: row for row in read_rows(results / "confusion_top.csv")}
    assert list(top) == ["Jazz", "Rock"] and float(top["Jazz"]["Jazz"]) == 11

    bins = read_rows(results / "calibration.csv")
    assert list(bins[0]) == list(CALIBRATION_COLUMNS) and {row["model"] for row in bins} == {"good"}
    votes = {level: sum(float(row["votes"]) for row in bins if row["level"] == level) for level in ("clip", "song")}
    assert votes == pytest.approx({"clip": 70, "song": 35})  # the clips of the twins count half
    assert not list(results.rglob("*.png"))  # figures are other rules' outputs


def test_models_of_earlier_runs_are_ranked_as_long_as_the_data_is_the_same(results):
    write_splits(results, {"by-song": by_song()})
    for model, share in (("good", 0.9), ("fair", 0.85), ("bad", 0.2)):
        predict(results, f"{model}@mfcc", "by-song", share=share)
    before = evaluate(results, ["bad", "fair", "good"], ["by-song"])
    after = evaluate(results, ["bad"], ["by-song"], kept=["fair", "good"], stale={"old@mfcc": "another seed"})
    assert [row["this_run"] for row in before] == ["true"] * 3
    assert [row["this_run"] for row in after] == ["false", "false", "true"]
    assert [row | {"this_run": ""} for row in after] == [row | {"this_run": ""} for row in before]
    headline = read_json(results / "headline.json")
    assert headline["best"] == "good@mfcc" and headline["stale"] == {"old@mfcc": "another seed"}

    rows = read_rows(results / "tracks.csv")
    write_rows(results / "tracks.csv", list(rows[0]), [row | {"sha256": "1"} for row in rows])
    alone = evaluate(results, ["bad"], ["by-song"], kept=["fair", "good"])
    assert [row["model"] for row in alone] == ["bad"]
    headline = read_json(results / "headline.json")
    assert headline["n_models"] == 1
    assert headline["stale"] == dict.fromkeys(["fair@mfcc", "good@mfcc"], "the data has changed")


def test_by_artist_draws_artists_and_counts_songs(results):
    write_splits(results, {"by-song": by_song(), "by-artist": ARTIST})
    # Four whole artists are right, and half of the fifth.
    for protocol in ("by-artist", "by-song"):
        predict(results, "good@mfcc", protocol, share=0.5)
    (row,) = evaluate(results, ["good"], ["by-artist", "by-song"])
    assert (row["n_songs"], row["n_groups"]) == ("35", "9")
    width = float(row["song_accuracy_high"]) - float(row["song_accuracy_low"])
    (row,) = evaluate(results, ["good"], ["by-song", "by-artist"])
    assert (row["n_songs"], row["n_groups"]) == ("35", "35")
    assert width > 1.5 * (float(row["song_accuracy_high"]) - float(row["song_accuracy_low"]))


def test_a_hold_out_tests_some_songs_and_its_audit_others(results):
    """Nine of 36 songs are tested, and the leaking protocol tests others."""
    write_splits(results, {"by-song": by_song(), "random-clips": {song: f"{song}@0" for song in SONGS}})
    held_out = tuple(song for song in SONGS if song.endswith(("u0", "v1", "w2")))
    elsewhere = tuple(song for song in SONGS if song.endswith(("u1", "v1", "w3")))
    predict(results, "good@mfcc", "by-song", share=6 / 9, songs=held_out)
    predict(results, "good@mfcc", "random-clips", share=1.0, songs=elsewhere)
    (row,) = evaluate(results, ["good"], ["by-song", "random-clips"])
    assert (row["n_songs"], row["n_groups"], row["n_clips"]) == ("9", "9", "18")
    assert float(row["song_accuracy"]) == pytest.approx(6 / 9, abs=1e-4)
    assert float(row["song_accuracy_low"]) < 0.5 < 0.8 < float(row["song_accuracy_high"])
    leak = read_rows(results / "leakage.csv")[1]
    assert float(leak["inflation_low"]) < float(leak["inflation"]) == pytest.approx(1 / 3, abs=0.01)
    assert float(leak["inflation_high"]) > float(leak["inflation"])


def test_a_class_that_is_never_tested_does_not_count(results):
    write_splits(results, {"by-song": by_song()})
    tested = tuple(song for song, label in SONGS.items() if label != "Jazz")
    predict(results, "good@mfcc", "by-song", share=0.75, songs=tested)
    (row,) = evaluate(results, ["good"], ["by-song"])
    assert float(row["song_balanced_accuracy"]) == pytest.approx(0.75)
    jazz = [row for row in read_rows(results / "models/good@mfcc/classes.csv") if row["label"] == "Jazz"]
    assert {row["support"] for row in jazz} == {"0.0"}


def test_without_paths_there_are_no_levels(results):
    write_splits(results, {"by-song": by_song()})
    predict(results, "good@mfcc", "by-song", share=0.8)
    path = results / "models/good@mfcc/by-song/predictions.csv"
    path.write_text(path.read_text().replace("Rock/", ""))
    evaluate(results, ["good"], ["by-song"])
    assert read_rows(results / "levels.csv") == read_rows(results / "confusion_top.csv") == []


def test_one_tested_group_is_too_few(results):
    write_splits(results, {"by-song": by_song()})
    predict(results, "good@mfcc", "by-song", share=1.0, songs=("zu0",))
    with pytest.raises(InputError, match="by-song tests only one group of songs"):
        evaluate(results, ["good"], ["by-song"])
