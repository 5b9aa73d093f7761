"""Precision at k equals a plain count, and neither a song, nor its duplicates, nor its label help it."""

import numpy as np
import pandas as pd
import pytest

from songwise.evaluation.votes import Units
from songwise.predict.neighbours import Neighbours
from songwise.splits.table import Round
from songwise.studies import similarity
from songwise.studies.similarity import SIMILAR_COLUMNS, study_similarity

N_FOLDS = 3


def data(*, gap: float, n_songs: int = 45, n_labels: int = 3, copies: int = 0, artists: int = 0, seed: int = 0) -> dict:
    """Songs of two clips each, of which the first `copies` have a duplicate under another name."""
    rng = np.random.default_rng(seed)
    rows, numbers, tracks, vote_of, group_of = [], [], {}, {}, {}
    for index in range(n_songs):
        own = gap * np.eye(n_labels, 8)[index % n_labels] + rng.normal(size=8)
        for copy in range(2 if index < copies else 1):
            song, label = f"s{index:02d}{'x' * copy}", f"label{index % n_labels}"
            vote_of[song] = group_of[song] = f"s{index:02d}"
            tracks[song] = {"artist": f"artist{index % artists}" if artists else ""}
            for clip in range(2):
                rows.append(
                    {"clip_id": f"{song}@{clip}", "track_id": song, "label": label, "song": song,
                     "group": f"s{index:02d}", "fold": index // n_labels % N_FOLDS}
                )  # fmt: skip
                numbers.append(own + 0.1 * rng.normal(size=8))
    table = pd.DataFrame(rows)
    rounds = [
        Round(0, fold, table[table["fold"] != fold], table[:0], table[table["fold"] == fold]) for fold in range(N_FOLDS)
    ]
    features = pd.DataFrame(np.array(numbers, np.float32), index=table["clip_id"])
    return {"features": features, "rounds": rounds, "tracks": tracks, "units": Units(vote_of, group_of), "seed": 0}


def study(**options) -> pd.DataFrame:
    table = pd.DataFrame(study_similarity(**data(**options)))
    return table.set_index(["space", "filter", "k"])


def mean_of_means(values: dict[str, list[float]]) -> float:
    return np.mean([np.mean(of_one) for of_one in values.values()])


def test_precision_equals_a_plain_count():
    example = data(gap=1.5, artists=7, copies=10)
    rounds, features = example["rounds"], example["features"]
    clips = pd.concat([rounds[0].train, rounds[0].test])
    label, song = (clips.drop_duplicates("track_id").set_index("track_id")[name] for name in ("label", "song"))
    precision, chance, vote_of = {}, {}, example["units"].vote_of
    for one in rounds:
        X = features.loc[one.train["clip_id"]].to_numpy()
        space = Neighbours.fit(X, one.train["track_id"].to_numpy(str), one.train["label"].to_numpy(str), seed=0)
        vector = {
            track_id: space.embed(features.loc[rows["clip_id"]].to_numpy()).astype(float)
            for track_id, rows in clips.groupby("track_id")
        }
        for query in one.test["track_id"].unique():
            for by in ("song", "artist"):
                others = [
                    other
                    for other in sorted(vector)
                    if vote_of[song[other]] != vote_of[song[query]]
                    and (by == "song" or example["tracks"][other]["artist"] != example["tracks"][query]["artist"])
                ]
                others.sort(key=lambda other: -(vector[other] @ vector[query]))
                same = [label[other] == label[query] for other in others]
                for k in (5, 10):
                    vote = vote_of[song[query]]
                    precision.setdefault((by, k), {}).setdefault(vote, []).append(np.mean(same[:k]))
                    chance.setdefault((by, k), {}).setdefault(vote, []).append(np.mean(same))
    found = pd.DataFrame(study_similarity(**example)).set_index(["space", "filter", "k"])
    assert set(found.reset_index()) == set(SIMILAR_COLUMNS)
    for key in precision:
        row = found.loc[("sound and classes", *key)]
        assert row["n_queries"] == 45
        assert row["precision"] == pytest.approx(mean_of_means(precision[key]), abs=1e-4)
        assert row["chance"] == pytest.approx(mean_of_means(chance[key]), abs=1e-4)
        assert row["low"] < row["precision"] < row["high"]


def test_separated_labels_are_found_by_every_method():
    found = study(gap=40)
    assert (found.loc[(slice(None), "song", 5), "precision"] > 0.95).all()
    assert found.loc[("sound and classes", "song", 5), "precision"] == 1
    assert list(found.index.unique("space")) == ["sound and classes", "classes", "sound", "features"]
    assert list(found["distance"].unique()) == ["cosine", "euclidean"]


def test_the_label_of_a_query_has_no_part_in_its_space():
    """With labels that mean nothing, a space that was fitted on the query would still find them."""
    found = study(gap=0, n_songs=120)
    for space in ("sound and classes", "classes"):
        row = found.loc[(space, "song", 10)]
        assert row["low"] < row["chance"] < row["high"]


def test_duplicates_of_a_query_are_never_its_neighbours():
    """The labels mean nothing, so only a query's own copy, the nearest of all tracks, would raise the precision."""
    found = study(gap=0, n_songs=150, copies=150)
    for space in ("sound and classes", "sound", "features"):
        row = found.loc[(space, "song", 5)]
        assert row["n_queries"] == 150 and row["low"] < row["chance"] < row["high"]


def test_the_artist_filter_leaves_no_query_if_each_label_is_one_artist():
    assert "artist" not in study(gap=3, artists=3).index.unique("filter")
    assert "artist" not in study(gap=3).index.unique("filter")  # nobody knows the artists
    some = data(gap=3, artists=3)
    some["tracks"]["s00"]["artist"] = ""  # may be any of them
    assert {row["filter"] for row in study_similarity(**some)} == {"song"}
    assert "artist" in study(gap=3, artists=7).index.unique("filter")


def test_the_artist_filter_takes_away_what_only_the_artist_has_in_common():
    example = data(gap=0, n_songs=60, artists=12)
    for name, tracks in pd.concat([example["rounds"][0].train, example["rounds"][0].test]).groupby("track_id"):
        artist = int(example["tracks"][name]["artist"].removeprefix("artist"))
        example["features"].loc[tracks["clip_id"]] += 30 * np.random.default_rng(artist).normal(size=8).astype("f4")
    found = pd.DataFrame(study_similarity(**example)).set_index(["space", "filter", "k"])
    by_song, by_artist = (found.loc[("sound", by, 5), "precision"] for by in ("song", "artist"))
    assert by_song > 0.75 and by_artist < 0.6


def test_the_same_seed_gives_the_same_rows_and_many_queries_are_sampled(monkeypatch):
    monkeypatch.setattr(similarity, "_MOST_QUERIES", 20)
    monkeypatch.setattr(similarity, "_TOGETHER", 3)
    example = data(gap=2)
    rows = study_similarity(**example)
    assert rows == study_similarity(**example) != study_similarity(**example | {"seed": 1})
    assert {row["n_queries"] for row in rows} == {20}


def test_queries_are_compared_in_pieces_as_at_once(monkeypatch):
    whole = study_similarity(**data(gap=1))
    monkeypatch.setattr(similarity, "_TOGETHER", 4)
    assert study_similarity(**data(gap=1)) == whole


def test_few_tracks_and_a_single_train_label_are_no_error():
    rows = study_similarity(**data(gap=3, n_songs=6, n_labels=2))
    assert {row["k"] for row in rows} == {5, 10}
    assert all(0 <= row["precision"] <= 1 for row in rows)
