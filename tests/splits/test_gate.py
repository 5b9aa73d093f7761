"""The gate finds every leak that a splitter hides, in splits and in what models recorded."""

import numpy as np
import pandas as pd
import pytest
from helpers.sheets import NEAR, make_sheet, pass_gate, split

from songwise.errors import InputError
from songwise.splits.gate import check_fits
from songwise.splits.table import read_rounds


@pytest.fixture
def sheet(tmp_path):
    return make_sheet(tmp_path)


LEAKS = [
    ("by-song", "z-2-v0@10000", "song 'z-2'", "z-2-v0"),  # one clip of a song
    ("by-song", "z-0-v1", "song 'z-0'", "z-0-v0"),  # another track of the same song
    ("by-song", "x-7-v0", "the same audio", "x-3-v0"),  # the same recording under another song's name
    ("by-song", NEAR[1], "almost the same audio", NEAR[0]),
    ("by-artist", "z-5-v0", "artist 'z artist 2'", "z-4-v0"),
    ("by-album", "z-7-v0", "album 'z album 3'", "z-3-v0"),
    ("hold-out", "z-0-v1", "song 'z-0'", "z-0-v0"),
    ("predefined-folds", "z-0-v1", "song 'z-0'", "z-0-v0"),
    ("train-valid-test", "x-7-v0", "the same audio", "x-3-v0"),
]


@pytest.mark.parametrize(("protocol", "moved", "named", "other"), LEAKS)
def test_the_gate_finds_a_planted_leak(sheet, protocol, moved, named, other):
    splits = split(sheet, protocol)
    last = splits["repeat"].max()
    planted = (splits["repeat"] == last) & splits["clip_id"].str.startswith(moved)
    if (splits["fold"] < 0).any():
        tested = splits.loc[planted, "role"] == "test"
        splits.loc[planted, "fold"] = np.where(tested, -1, 0)
        splits.loc[planted, "role"] = np.where(tested, "train", "test")
    else:
        splits.loc[planted, "fold"] = (splits.loc[planted, "fold"] + 1) % 3
    splits.loc[planted, "group"] = "a group that the splitter made up"
    side = "(training|test)"
    tracks = rf"\({other} in {side}, {moved.split('@')[0]} in {side}\)"
    with pytest.raises(
        InputError, match=f"{protocol}, repeat {last}, fold .: on two sides of the split: .*{named} {tracks}"
    ):
        pass_gate(sheet, splits)


def test_an_artist_may_cross_a_fold_if_the_protocol_does_not_keep_artists(sheet):
    splits = split(sheet, "by-song")
    artist = {track.track_id: track.artist for track in sheet.tracks}
    assert splits.groupby(["repeat", splits["track_id"].map(artist)])["fold"].nunique().max() > 1
    assert pass_gate(sheet) == {"by-song": 9}


def test_a_song_must_not_choose_settings_for_a_model_that_it_trains(sheet):
    splits = split(sheet, "train-valid-test")
    splits.loc[splits["track_id"] == "z-0-v1", "role"] = "valid"
    with pytest.raises(InputError, match=r"song 'z-0' \(z-0-v0 in training, z-0-v1 in validation\)"):
        pass_gate(sheet, splits)


def test_copies_in_different_folds_of_the_sheet_are_named(sheet):
    split(sheet.with_fold(NEAR[1], "2"), "predefined-folds")
    with pytest.raises(InputError, match=rf"almost the same audio \({NEAR[0]} in .*, {NEAR[1]} in .*the same fold"):
        pass_gate(sheet)


@pytest.mark.parametrize(
    ("protocol", "moved", "named"),
    [
        ("by-song", "z-2-v0", "song 'z-2'"),
        ("by-song", "x-7-v0", "the same audio"),
        ("by-song", NEAR[1], "almost the same audio"),
        ("by-artist", "z-5-v0", "artist 'z artist 2'"),
        ("by-album", "z-7-v0", "album 'z album 3'"),
    ],
)
def test_the_gate_finds_a_leak_in_what_a_model_recorded(sheet, protocol, moved, named):
    split(sheet, protocol)
    fits = sheet.folder / protocol / "fits.parquet"
    fits.parent.mkdir()
    record = pd.concat(
        side.assign(fold=each.fold, role=role)[["repeat", "fold", "role", "clip_id"]]
        for each in read_rounds(sheet.folder / "splits.csv", protocol)
        for role, side in (("train", each.train), ("test", each.test))
    )

    def check(record):
        record.to_parquet(fits, index=False)
        check_fits(sheet.tracks, **sheet.tables, fits={fits: protocol}, output=sheet.folder / "checked.json")

    check(record)
    planted = record[record["clip_id"].str.startswith(moved) & (record["repeat"] == 1)].iloc[[0]]
    other = "train" if planted["role"].item() == "test" else "test"
    with pytest.raises(InputError) as error:
        check(pd.concat([record, planted.assign(role=other)]))
    assert f"fits.parquet: repeat 1, fold {planted['fold'].item()}: " in str(error.value) and named in str(error.value)
