"""No song crosses a fold, nor what else a protocol keeps whole, and the gate finds what a splitter hides."""

from collections import defaultdict
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from songwise.clips.columns import CLIP_COLUMNS, TRACK_COLUMNS
from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.files import read_json, read_rows, write_rows
from songwise.splits.census import DUPLICATE_COLUMNS
from songwise.splits.gate import check_fits, check_splits
from songwise.splits.groups import join
from songwise.splits.make import make_splits
from songwise.splits.protocols import K_FOLD, KEPT_WHOLE
from songwise.splits.table import read_rounds

LABELS = ("x", "y", "z")
NEAR = ("y-4-v0", "y-6-v0")  # the same recording, encoded twice
SPLIT = {"folds": 3, "repeats": 3, "held_out": 2}
ALL = [*KEPT_WHOLE, "random-clips"]


def song(label: str, number: int, version: int) -> Track:
    return Track(
        f"{label}-{number}-v{version}",
        label,
        f"{label}-{number}",
        artist=f"{label} artist {number // 2}",
        album=f"{label} album {number % 4}",
        fold=str(1 + number % 4 if number != 6 else 1),
        role=("train", "train", "valid", "test")[number % 4 if number != 6 else 0],
    )


@pytest.fixture
def data(tmp_path):
    """Three classes of eight songs, two an artist; songs of two tracks; two songs of class x with the same samples and
    two of class y with nearly the same.
    """
    sheet = [song(label, number, v) for label in LABELS for number in range(8) for v in range(1 + (number == 0))]
    write(tmp_path, sheet)
    write_rows(
        tmp_path / "duplicates.csv",
        DUPLICATE_COLUMNS,
        [dict(zip(DUPLICATE_COLUMNS, (*NEAR, "0.97", "true", "5.08", "54.80"), strict=True))],
    )
    return tmp_path, sheet


def write(folder, sheet, lost=()):
    tracks = [
        dict.fromkeys(TRACK_COLUMNS, "")
        | asdict(track)
        | {
            "status": "failed" if track.track_id in lost else "ok",
            "audio_sha256": "shared" if track.song in ("x-3", "x-7") else track.track_id,
        }
        for track in sheet
    ]
    clips = [
        {"clip_id": f"{row['track_id']}@{ms}", "track_id": row["track_id"], "start": ms / 1000, "seconds": 10}
        | {"status": "ok"}
        for row in tracks
        for ms in range(0, 50000, 10000)
        if row["status"] == "ok"
    ]
    write_rows(folder / "tracks.csv", TRACK_COLUMNS, tracks)
    write_rows(folder / "clips.csv", CLIP_COLUMNS, clips)


def split(data, *protocols, **changed) -> pd.DataFrame:
    folder, sheet = data
    make_splits(
        sheet={track.track_id: asdict(track) for track in sheet},
        tracks_csv=folder / "tracks.csv",
        clips_csv=folder / "clips.csv",
        duplicates_csv=folder / "duplicates.csv",
        output=folder / "splits.csv",
        protocols=list(protocols),
        split=SPLIT | changed,
        seed=0,
    )
    return pd.read_csv(folder / "splits.csv")


def gate(data, splits=None):
    folder, sheet = data
    if splits is not None:
        pd.DataFrame(splits).to_csv(folder / "splits.csv", index=False)
    check_splits(
        sheet,
        tracks_csv=folder / "tracks.csv",
        duplicates_csv=folder / "duplicates.csv",
        splits_csv=folder / "splits.csv",
        output=folder / "checked.json",
    )
    return read_json(folder / "checked.json")


@pytest.mark.parametrize("protocol", KEPT_WHOLE)
def test_nothing_that_a_protocol_keeps_whole_crosses_a_fold(data, protocol):
    _, sheet = data
    splits = split(data, protocol)
    sides = defaultdict(set)
    for row in splits.to_dict("records"):
        track = next(track for track in sheet if track.track_id == row["track_id"])
        for kind in KEPT_WHOLE[protocol]:
            sides[row["repeat"], kind, getattr(track, kind)].add((row["fold"], row["role"]))
        if track.track_id in NEAR or track.song in ("x-3", "x-7"):
            sides[row["repeat"], "copies", track.label].add((row["fold"], row["role"]))
    assert len(sides) > 24 and all(len(found) == 1 for found in sides.values())
    assert gate(data) == {protocol: len(splits[["repeat", "fold"]].query("fold >= 0").drop_duplicates())}


def test_copies_of_a_recording_are_one_group(data):
    folder, _ = data
    duplicates = read_rows(folder / "duplicates.csv")
    groups = join(read_rows(folder / "tracks.csv"), duplicates)
    assert groups["x-3-v0"] == groups["x-7-v0"] == "x-3"
    assert groups["y-4-v0"] == groups["y-6-v0"] == "y-4"
    assert groups["x-0-v0"] == groups["x-0-v1"] == "x-0"
    assert len(set(groups.values())) == 22
    artists = join([asdict(track) | {"status": "ok"} for track in data[1]], by=("song", "artist"))
    assert len(set(artists.values())) == 12 and artists["z-2-v0"] == artists["z-3-v0"]
    assert len({group for group in split(data, "by-artist")["group"] if group[0] == "x"}) == 3  # of the 4: x-3 is x-7


def test_joining_is_transitive():
    rows = [
        {"track_id": str(i), "song": song, "audio_sha256": audio, "status": "ok"}
        for i, (song, audio) in enumerate([("c", "1"), ("b", "1"), ("b", "2"), ("a", "2"), ("d", "3")])
    ]
    assert join(rows) == {"0": "a", "1": "a", "2": "a", "3": "a", "4": "d"}


def test_every_clip_is_tested_once_a_repeat_and_classes_are_balanced(data):
    splits = split(data, "by-song", "random-clips")
    for _, rows in splits.groupby(["protocol", "repeat"]):
        assert rows["clip_id"].is_unique and len(rows) == 27 * 5
        counts = pd.crosstab(rows["fold"], rows["label"])
        assert counts.to_numpy().min() >= 5
    honest = splits[splits["protocol"] == "by-song"]
    assert len({tuple(rows["fold"]) for _, rows in honest.groupby("repeat")}) == 3


def test_predefined_folds_and_roles_are_the_sheets(data):
    folder, sheet = data
    splits = split(data, "predefined-folds", "train-valid-test")
    row_of = {track.track_id: track for track in sheet}
    for row in splits.to_dict("records"):
        track = row_of[row["track_id"]]
        if row["protocol"] == "predefined-folds":
            assert (row["fold"], row["role"]) == (int(track.fold), "test")
        else:
            assert (row["fold"], row["role"]) == (0 if track.role == "test" else -1, track.role)
    assert set(splits["repeat"]) == {0}
    assert [this.fold for this in read_rounds(folder / "splits.csv", "predefined-folds")] == [1, 2, 3, 4]
    (this,) = read_rounds(folder / "splits.csv", "train-valid-test")
    for name in ("train", "valid", "test"):
        assert {row_of[track_id].role for track_id in getattr(this, name)["track_id"]} == {name}


def test_hold_out_tests_songs_of_every_class_and_draws_anew_in_each_repeat(data):
    splits = split(data, "hold-out")
    tested = splits[splits["role"] == "test"]
    assert (tested["fold"] == 0).all() and (splits.loc[splits["role"] == "train", "fold"] == -1).all()
    assert (tested.groupby(["repeat", "label"])["group"].nunique() == 2).all()
    assert len({frozenset(rows["group"]) for _, rows in tested.groupby("repeat")}) == 3


@pytest.mark.parametrize("protocol", KEPT_WHOLE)
def test_random_clips_has_the_honest_protocols_shape_and_leaks(data, protocol):
    splits = split(data, protocol, "random-clips")
    honest, leaking = (splits[splits["protocol"] == name] for name in (protocol, "random-clips"))
    counts = [table.groupby(["repeat", "fold", "role", "label"]).size() for table in (honest, leaking)]
    assert list(counts[0].index) == list(counts[1].index)
    if protocol in K_FOLD:
        assert counts[1].max() - counts[1].min() <= 1
    else:
        assert list(counts[0]) == list(counts[1])
    assert (leaking.groupby(["repeat", "track_id"])["fold"].nunique() > 1).mean() > 0.5
    assert list(gate(data)) == [protocol]  # random-clips alone may leak


def test_more_folds_than_groups_left_is_told_in_words(data):
    with pytest.raises(InputError, match=r"by-artist: too few artists are .*: x \(3\), y \(3\); 4 a class are needed"):
        split(data, "by-artist", folds=4)
    with pytest.raises(InputError, match=r"by-song: too few songs are left in: x \(7\), y \(7\); 8 a class are needed"):
        split(data, "by-song", folds=8)
    with pytest.raises(InputError, match=r"hold-out: .* x \(7\), y \(7\); 8 a class are needed"):
        split(data, "hold-out", held_out=7)


def test_a_class_of_which_nothing_is_trained_on_is_told_in_words(data):
    folder, sheet = data
    write(folder, sheet, lost=[track.track_id for track in sheet if track.label == "z" and track.fold != "2"])
    with pytest.raises(InputError, match="predefined-folds, repeat 0, fold 2: nothing of label 'z' is left to train"):
        split(data, "predefined-folds")
    write(folder, sheet, lost=[track.track_id for track in sheet if track.label == "z" and track.role == "train"])
    with pytest.raises(InputError, match="train-valid-test, repeat 0, fold 0: nothing of label 'z' is left to train"):
        split(data, "train-valid-test")
    write(folder, sheet, lost=[track.track_id for track in sheet if track.role == "test"])
    with pytest.raises(InputError, match="train-valid-test: no track that is to be tested is left"):
        split(data, "train-valid-test")


def test_an_audit_goes_on_with_a_class_that_has_lost_a_group(data):
    splits = split(data, "by-song", "by-artist", folds=4)  # of x and y three artists are left
    assert set(splits["protocol"]) == {"by-song", "by-artist"} and len(gate(data)) == 2


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
def test_the_gate_finds_a_planted_leak(data, protocol, moved, named, other):
    splits = split(data, protocol)
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
    with pytest.raises(InputError, match=f"{protocol}, repeat {last}, fold .: on two sides stand .*{named} {tracks}"):
        gate(data, splits)


def test_an_artist_may_cross_a_fold_where_the_protocol_does_not_keep_artists(data):
    splits = split(data, "by-song")
    artist = {track.track_id: track.artist for track in data[1]}
    assert splits.groupby(["repeat", splits["track_id"].map(artist)])["fold"].nunique().max() > 1
    assert gate(data) == {"by-song": 9}


def test_a_song_may_not_choose_the_settings_it_is_trained_with(data):
    splits = split(data, "train-valid-test")
    splits.loc[splits["track_id"] == "z-0-v1", "role"] = "valid"
    with pytest.raises(InputError, match=r"song 'z-0' \(z-0-v0 in training, z-0-v1 in validation\)"):
        gate(data, splits)


def test_copies_in_different_folds_of_the_sheets_own_are_named(data):
    folder, sheet = data
    moved = [Track(**asdict(track) | {"fold": "2"}) if track.track_id == NEAR[1] else track for track in sheet]
    split((folder, moved), "predefined-folds")
    with pytest.raises(InputError, match=rf"almost the same audio \({NEAR[0]} in .*, {NEAR[1]} in .*one fold"):
        gate(data)


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
def test_the_gate_finds_a_leak_in_what_a_model_recorded(data, protocol, moved, named):
    folder, sheet = data
    split(data, protocol)
    fits = folder / protocol / "fits.parquet"
    fits.parent.mkdir()
    record = pd.concat(
        side.assign(fold=this.fold, role=role)[["repeat", "fold", "role", "clip_id"]]
        for this in read_rounds(folder / "splits.csv", protocol)
        for role, side in (("train", this.train), ("test", this.test))
    )

    def check(record):
        record.to_parquet(fits, index=False)
        check_fits(
            sheet,
            tracks_csv=folder / "tracks.csv",
            duplicates_csv=folder / "duplicates.csv",
            fits={fits: protocol},
            output=folder / "checked.json",
        )

    check(record)
    planted = record[record["clip_id"].str.startswith(moved) & (record["repeat"] == 1)].iloc[[0]]
    other = "train" if planted["role"].item() == "test" else "test"
    with pytest.raises(InputError) as error:
        check(pd.concat([record, planted.assign(role=other)]))
    assert f"fits.parquet: repeat 1, fold {planted['fold'].item()}: " in str(error.value) and named in str(error.value)
