"""Song verdicts, on tables that are small enough to check by hand."""

import numpy as np
import pandas as pd
import pytest

from songwise.evaluation.label_paths import at_level, cut, depth
from songwise.evaluation.verdicts import RULES, song_verdicts, verdicts_by_rule


def clips(*rows) -> pd.DataFrame:
    """Rows of (song, label, p_a, p_b)."""
    table = pd.DataFrame(rows, columns=["song", "label", "p_a", "p_b"])
    table["predicted"] = np.where(table["p_a"] >= table["p_b"], "a", "b")
    return table.assign(repeat=0)


def test_a_songs_verdict_is_the_mean_log_probability():
    # The mean probability favours a (0.55), the majority a (2 of 3), the mean logarithm b.
    rows = clips(("s", "b", 0.8, 0.2), ("s", "b", 0.8, 0.2), ("s", "b", 0.05, 0.95))
    songs = song_verdicts(rows)
    assert songs["predicted"].tolist() == ["b"]
    odds = np.exp(np.mean(np.log([0.8, 0.8, 0.05]) - np.log([0.2, 0.2, 0.95])))
    assert songs["p_a"][0] == pytest.approx(odds / (1 + odds), abs=1e-6)
    assert [table["predicted"].item() for table in verdicts_by_rule(rows).values()] == ["b", "a", "a"]


def test_the_rules_differ_if_one_confident_clip_contradicts_many():
    # b has the majority (2 of 3), a the higher mean (.58) and the higher mean logarithm.
    rows = clips(("s", "a", 0.98, 0.02), ("s", "a", 0.4, 0.6), ("s", "a", 0.36, 0.64))
    found = verdicts_by_rule(rows)
    assert dict(zip(RULES, "aba", strict=True)) == {rule: table["predicted"].item() for rule, table in found.items()}
    # Two against two: the mean logarithm decides, which is a's.
    rows = clips(("s", "a", 0.9, 0.1), ("s", "a", 0.9, 0.1), ("s", "a", 0.4, 0.6), ("s", "a", 0.4, 0.6))
    assert {table["predicted"].item() for table in verdicts_by_rule(rows).values()} == {"a"}


def test_the_first_rule_is_the_verdict():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet([1, 1], 200)
    rows = clips(*[(f"s{at % 30}", "a", *share) for at, share in enumerate(shares)]).assign(repeat=np.arange(200) % 2)
    songs, first = song_verdicts(rows), verdicts_by_rule(rows)[RULES[0]]
    pd.testing.assert_frame_equal(first, songs[list(first.columns)])


def test_a_zero_is_floored_and_is_not_a_veto():
    # 1-NN: three votes for a and one for b; without the floor both means are minus infinity.
    songs = song_verdicts(clips(*[("s", "a", 1.0, 0.0)] * 3, ("s", "a", 0.0, 1.0)))
    assert songs["predicted"].tolist() == ["a"]
    assert np.isfinite(songs[["p_a", "p_b"]].to_numpy()).all()
    # Four clips that are almost sure of a outweigh one that excludes it.
    songs = song_verdicts(clips(*[("s", "a", 0.99, 0.01)] * 4, ("s", "a", 0.0, 1.0)))
    assert songs["predicted"].tolist() == ["a"]


def test_ties_go_to_the_higher_mean_probability():
    # .5 x .3 = .25 x .6: a and b tie in the mean logarithm, b is ahead in the mean.
    rows = pd.DataFrame(
        {"repeat": 0, "song": "s", "label": "b", "p_a": [0.5, 0.3], "p_b": [0.25, 0.6], "p_c": [0.25, 0.1]}
    )
    assert song_verdicts(rows)["predicted"].tolist() == ["b"]
    assert song_verdicts(rows[::-1])["predicted"].tolist() == ["b"]


def paths(*rows) -> pd.DataFrame:
    """Rows of (song, label, p_Jazz, p_Rock/Metal, p_Rock/Punk)."""
    labels = ["Jazz", "Rock/Metal", "Rock/Punk"]
    table = pd.DataFrame(rows, columns=["song", "label", *(f"p_{label}" for label in labels)])
    table["predicted"] = np.array(labels)[table.iloc[:, 2:].to_numpy().argmax(axis=1)]
    return table.assign(repeat=0)


def test_the_probabilities_of_the_leaves_are_summed_before_the_verdict():
    # Jazz is the most probable leaf, Rock the most probable first part.
    rows = paths(("s", "Rock/Punk", 0.4, 0.3, 0.3))
    assert rows["predicted"].tolist() == ["Jazz"] == song_verdicts(rows)["predicted"].tolist()
    top = at_level(rows, 1)
    assert [name for name in top.columns if name.startswith("p_")] == ["p_Jazz", "p_Rock"]
    assert top[["label", "predicted", "p_Rock"]].to_numpy().tolist() == [["Rock", "Rock", 0.6]]
    assert song_verdicts(top)["predicted"].tolist() == ["Rock"]


def test_the_last_level_is_the_full_label_and_a_shorter_path_is_itself():
    rows = paths(("s", "Rock/Punk", 0.4, 0.3, 0.3), ("t", "Jazz", 0.2, 0.7, 0.1))
    assert depth(["Jazz", "Rock/Metal", "Rock/Punk"]) == 2
    pd.testing.assert_frame_equal(at_level(rows, 2)[sorted(rows.columns)], rows[sorted(rows.columns)])
    assert [cut(label, 2) for label in ("Jazz", "Rock/Punk", "Rock/Punk/Oi")] == ["Jazz", "Rock/Punk", "Rock/Punk"]
    assert depth(["a", "b"]) == 1
