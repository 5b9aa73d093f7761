"""splits.csv describes every fit: what it trains on, what may choose settings, and what it tests."""

import pytest
from helpers.sheets import make_sheet, split

from songwise.files import write_rows
from songwise.splits.table import first_repeat, read_rounds, read_songs, read_splits


@pytest.fixture
def sheet(tmp_path):
    return make_sheet(tmp_path)


def test_each_fold_is_tested_once_and_all_other_clips_train(sheet):
    split(sheet, "by-song", "predefined-folds")
    rounds = read_rounds(sheet.folder / "splits.csv", "by-song")
    assert [(each.repeat, each.fold) for each in rounds] == [(repeat, fold) for repeat in range(3) for fold in range(3)]
    for each in rounds:
        assert not set(each.train["clip_id"]) & set(each.test["clip_id"]) and not len(each.valid)
        assert len(each.train) + len(each.test) == 27 * 5
    assert [each.fold for each in read_rounds(sheet.folder / "splits.csv", "predefined-folds")] == [1, 2, 3, 4]


def test_clips_for_validation_are_neither_trained_on_nor_tested(sheet):
    split(sheet, "train-valid-test")
    role = {track.track_id: track.role for track in sheet.tracks}
    (only,) = read_rounds(sheet.folder / "splits.csv", "train-valid-test")
    for name in ("train", "valid", "test"):
        assert {role[track_id] for track_id in getattr(only, name)["track_id"]} == {name}


@pytest.mark.parametrize("protocol", ["by-song", "train-valid-test", "hold-out"])
def test_the_first_repeat_has_every_clip_once(sheet, protocol):
    split(sheet, protocol, "random-clips")
    rows = first_repeat(read_splits(sheet.folder / "splits.csv", protocol))
    assert rows["clip_id"].is_unique and len(rows) == 27 * 5 and set(rows["protocol"]) == {protocol}


def test_names_that_look_like_numbers_or_missing_values_stay_text(sheet):
    row = {"protocol": "by-song", "repeat": 0, "clip_id": "007@0", "track_id": "007", "label": "NA", "group": "1e3"}
    path = sheet.folder / "splits.csv"
    write_rows(path, [*row, "fold", "role"], [row | {"fold": 0, "role": "test"}])
    read = read_splits(path, "by-song").iloc[0]
    assert [read[name] for name in ("track_id", "label", "group")] == ["007", "NA", "1e3"]


def test_every_track_has_its_song(sheet):
    assert read_songs(sheet.folder / "tracks.csv") == {track.track_id: track.song for track in sheet.tracks}
