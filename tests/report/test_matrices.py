"""What the page embeds of the matrices equals the tables, and stays small."""

import json

import numpy as np
import pytest
from helpers.report import LABELS, PROTOCOL, make_results, write_verdicts
from helpers.tables import rows

from songwise.files import write_rows
from songwise.report.matrices import embedded, read_matrix
from songwise.report.songs import songs_by_id

RUNS = ("best@a", "other@b", "third@a")


def embed(results, runs=RUNS) -> dict:
    names = songs_by_id(rows(results / "tracks.csv"))
    return embedded(results, runs, PROTOCOL, label="genre", names=names, words={run: {} for run in runs})


def dense(level: dict, size: int) -> np.ndarray:
    matrix = np.zeros((size, size))
    for i, row in enumerate(level["rows"]):
        matrix[i, row[::2]] = row[1::2]
    return matrix


def test_every_cell_has_its_votes_and_its_songs(tmp_path):
    data = embed(make_results(tmp_path))
    for run, model in zip(RUNS, data["models"], strict=True):
        table = rows(tmp_path / f"models/{run}/by-song/songs.csv")
        expected = {}
        for row in table:
            cell = (LABELS.index(row["label"]), LABELS.index(row["predicted"]))
            songs = expected.setdefault(cell, {})
            songs[row["song"]] = songs.get(row["song"], 0) + 1
        found = {}
        for key, (flat, all_songs) in model["cells"].items():
            pairs = zip(flat[::2], flat[1::2], strict=True)
            found[divmod(int(key), len(LABELS))] = {data["songs"][song][0]: repeats for song, repeats in pairs}
            assert len(flat) == 2 * all_songs
        assert found == expected
        votes = dense(model["song"], len(LABELS))
        assert votes == pytest.approx(np.array(read_matrix(tmp_path, run, "song").votes), abs=0.06)
        assert model["song"]["totals"] == [6, 6, 6] and model["song"]["least"] == 0
        assert model["song"]["classes"] == [[50, 60, 55]] * 3
    assert {tested for _, tested in data["songs"]} == {3}


def test_many_classes_lose_their_rarest_mistakes_first_and_equal_ones_together(tmp_path):
    labels = [f"class {number:03d}" for number in range(163)]
    votes = np.full((163, 163), 1.0)
    votes[:, 0] = 5.0
    np.fill_diagonal(votes, 0.2)
    make_results(tmp_path, labels=labels, per_class=1, runs=("best@a",), repeats=1)
    table = [dict(zip(["label", *labels], [name, *row], strict=True)) for name, row in zip(labels, votes, strict=True)]
    for level in ("song", "clip"):
        write_rows(tmp_path / f"models/best@a/confusion_{level}.csv", table[0], table)
    level = embed(tmp_path, ("best@a",))["models"][0]["song"]
    drawn = dense(level, 163)
    assert level["least"] == 1 and np.diag(drawn) == pytest.approx(0.2)
    assert (drawn[1:, 0] == 5).all() and not drawn[0, 1:].any()
    assert level["totals"][5] == pytest.approx(161 + 5 + 0.2)


def test_thousands_of_songs_stay_small_and_mistakes_come_first(tmp_path):
    make_results(tmp_path, per_class=700, repeats=1, runs=("best@a", "other@b"), wrong=0.3)
    data = embed(tmp_path, ("best@a", "other@b"))
    assert len(json.dumps(data)) < 30_000
    for model in data["models"]:
        assert len(model["cells"]) == 9
        assert all(len(flat) == 40 and all_songs > 20 for flat, all_songs in model["cells"].values())


def test_a_song_that_some_repeats_did_not_test_says_how_many_did(tmp_path):
    make_results(tmp_path, runs=("best@a",))
    table = [
        {"repeat": repeat, "song": song, "label": "pop", "predicted": predicted}
        for repeat, song, predicted in ((0, "pop:0", "jazz"), (2, "pop:0", "pop"), (1, "pop:1", "jazz"))
    ]
    write_verdicts(tmp_path, "best@a", table)
    data = embed(tmp_path, ("best@a",))
    assert sorted(data["songs"]) == [["pop:0", 2], ["pop:1", 1]]


def test_the_most_frequent_mistakes_come_first(tmp_path):
    header = ["label", "label", "b"]  # a class may be called as the first column is
    path = tmp_path / "models/m@x/confusion_song.csv"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join([",".join(header), "label,3.0,1.0", "b,2.0,0.0"]) + "\n")
    matrix = read_matrix(tmp_path, "m@x", "song")
    assert matrix.confused(5) == [("b", "label", 2.0, 1.0), ("label", "b", 1.0, 0.25)]
    assert matrix.confused(1) == [("b", "label", 2.0, 1.0)] and matrix.share(0, 0) == 0.75
