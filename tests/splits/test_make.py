"""No song crosses a fold, nor anything else that a protocol keeps whole."""

from collections import defaultdict

import pandas as pd
import pytest
from helpers.sheets import COPIED, NEAR, make_sheet, pass_gate, split, write_tables

from songwise.errors import InputError
from songwise.splits.protocols import PROTOCOLS, Kind


@pytest.fixture
def sheet(tmp_path):
    return make_sheet(tmp_path)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_that_a_protocol_keeps_whole_crosses_a_fold(sheet, protocol):
    splits = split(sheet, protocol)
    sides = defaultdict(set)
    for row in splits.to_dict("records"):
        track = next(track for track in sheet.tracks if track.track_id == row["track_id"])
        for kind in PROTOCOLS[protocol].keeps_whole:
            sides[row["repeat"], kind, getattr(track, kind)].add((row["fold"], row["role"]))
        if track.track_id in NEAR or track.song in COPIED:
            sides[row["repeat"], "copies", track.label].add((row["fold"], row["role"]))
    assert len(sides) > 24 and all(len(each) == 1 for each in sides.values())
    assert pass_gate(sheet) == {protocol: len(splits[["repeat", "fold"]].query("fold >= 0").drop_duplicates())}


def test_every_clip_is_tested_once_per_repeat_and_classes_are_balanced(sheet):
    splits = split(sheet, "by-song", "random-clips")
    for _, rows in splits.groupby(["protocol", "repeat"]):
        assert rows["clip_id"].is_unique and len(rows) == 27 * 5
        counts = pd.crosstab(rows["fold"], rows["label"])
        assert counts.to_numpy().min() >= 5
    honest = splits[splits["protocol"] == "by-song"]
    assert len({tuple(rows["fold"]) for _, rows in honest.groupby("repeat")}) == 3


def test_predefined_folds_and_roles_are_those_of_the_sheet(sheet):
    splits = split(sheet, "predefined-folds", "train-valid-test")
    row_of = {track.track_id: track for track in sheet.tracks}
    for row in splits.to_dict("records"):
        track = row_of[row["track_id"]]
        if row["protocol"] == "predefined-folds":
            assert (row["fold"], row["role"]) == (int(track.fold), "test")
        else:
            assert (row["fold"], row["role"]) == (0 if track.role == "test" else -1, track.role)
    assert set(splits["repeat"]) == {0}


def test_hold_out_draws_songs_of_every_class_again_in_each_repeat(sheet):
    splits = split(sheet, "hold-out")
    tested = splits[splits["role"] == "test"]
    assert (tested["fold"] == 0).all() and (splits.loc[splits["role"] == "train", "fold"] == -1).all()
    assert (tested.groupby(["repeat", "label"])["group"].nunique() == 2).all()
    assert len({frozenset(rows["group"]) for _, rows in tested.groupby("repeat")}) == 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_random_clips_has_the_shape_of_the_honest_protocol_and_leaks(sheet, protocol):
    splits = split(sheet, protocol, "random-clips")
    honest, leaking = (splits[splits["protocol"] == name] for name in (protocol, "random-clips"))
    counts = [table.groupby(["repeat", "fold", "role", "label"]).size() for table in (honest, leaking)]
    assert list(counts[0].index) == list(counts[1].index)
    if PROTOCOLS[protocol].kind is Kind.K_FOLD:
        assert counts[1].max() - counts[1].min() <= 1
    else:
        assert list(counts[0]) == list(counts[1])
    assert (leaking.groupby(["repeat", "track_id"])["fold"].nunique() > 1).mean() > 0.5
    assert list(pass_gate(sheet)) == [protocol]  # only random-clips may leak


def few(protocol: str, groups: str, count: int, least: int) -> str:
    """The message for classes x and y, each of which has copies."""
    classes = ", ".join(f"class {label} has only {count} usable {groups}" for label in "xy")
    return f"^{protocol}: {classes}; at least {least} per class are needed.*tracks.csv and duplicates.csv"


def test_classes_with_too_few_usable_groups_are_named(sheet):
    with pytest.raises(InputError, match=few("by-artist", "artists", 3, 4)):
        split(sheet, "by-artist", folds=4)
    with pytest.raises(InputError, match=few("by-song", "songs", 7, 8)):
        split(sheet, "by-song", folds=8)
    with pytest.raises(InputError, match=few("hold-out", "songs", 7, 8)):
        split(sheet, "hold-out", held_out=7)


def test_a_class_without_training_clips_is_named(sheet):
    write_tables(sheet, lost=[track.track_id for track in sheet.tracks if track.label == "z" and track.fold != "2"])
    with pytest.raises(InputError, match="predefined-folds, repeat 0, fold 2: class z has no training clips"):
        split(sheet, "predefined-folds")
    write_tables(sheet, lost=[track.track_id for track in sheet.tracks if track.label == "z" and track.role == "train"])
    with pytest.raises(InputError, match="train-valid-test, repeat 0, fold 0: class z has no training clips"):
        split(sheet, "train-valid-test")
    write_tables(sheet, lost=[track.track_id for track in sheet.tracks if track.role == "test"])
    with pytest.raises(InputError, match=r"train-valid-test: no usable track is left to test; .*tracks\.csv"):
        split(sheet, "train-valid-test")


def test_an_audit_continues_with_a_class_that_has_lost_a_group(sheet):
    splits = split(sheet, "by-song", "by-artist", folds=4)  # classes x and y have three usable artists
    assert set(splits["protocol"]) == {"by-song", "by-artist"} and len(pass_gate(sheet)) == 2
