"""No song crosses a fold, copies of a recording count as one song, and the gate finds what a splitter hides."""

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest

from songwise.census import DUPLICATE_COLUMNS
from songwise.clips import CLIP_COLUMNS, TRACK_COLUMNS
from songwise.errors import InputError
from songwise.files import read_json, read_rows, write_rows
from songwise.groups import join
from songwise.leakage import check_fits, check_splits
from songwise.sheet import Track
from songwise.splits import make_splits

LABELS = ("x", "y", "z")


@pytest.fixture
def data(tmp_path):
    """Three classes of eight songs; songs of two tracks; two songs of class x with the same recording."""
    tracks, clips = [], []
    for label in LABELS:
        for number in range(8):
            song = f"{label}-{number}"
            for version in range(1 + (number == 0)):
                track_id = f"{song}-v{version}"
                audio = "shared" if song in ("x-3", "x-5") else track_id
                row = dict.fromkeys(TRACK_COLUMNS, "")
                tracks.append(
                    row
                    | {
                        "track_id": track_id,
                        "label": label,
                        "song": song,
                        "status": "ok",
                        "audio_sha256": audio,
                    }
                )
                clips += [
                    {
                        "clip_id": f"{track_id}@{ms}",
                        "track_id": track_id,
                        "start": ms / 1000,
                        "seconds": 10,
                        "status": "ok",
                        "reason": "",
                    }
                    for ms in range(0, 50000, 10000)
                ]
    write_rows(tmp_path / "tracks.csv", TRACK_COLUMNS, tracks)
    write_rows(tmp_path / "clips.csv", CLIP_COLUMNS, clips)
    write_rows(tmp_path / "duplicates.csv", DUPLICATE_COLUMNS, [])
    make_splits(
        tracks_csv=tmp_path / "tracks.csv",
        clips_csv=tmp_path / "clips.csv",
        duplicates_csv=tmp_path / "duplicates.csv",
        output=tmp_path / "splits.csv",
        protocols=["by-song", "random-clips"],
        folds=4,
        repeats=3,
        seed=0,
    )
    sheet = [Track(row["track_id"], row["label"], row["song"]) for row in tracks]
    return tmp_path, sheet


def gate(data, splits=None):
    folder, sheet = data
    if splits is not None:
        pd.DataFrame(splits).to_csv(folder / "splits.csv", index=False)
    check_splits(
        sheet,
        tracks_csv=folder / "tracks.csv",
        splits_csv=folder / "splits.csv",
        output=folder / "checked.json",
    )
    return read_json(folder / "checked.json")


def test_no_song_crosses_a_fold(data):
    folder, sheet = data
    song = {track.track_id: track.song for track in sheet}
    folds = defaultdict(set)
    for row in read_rows(folder / "splits.csv"):
        if row["protocol"] == "by-song":
            folds[row["repeat"], song[row["track_id"]]].add(row["fold"])
    assert len(folds) == 3 * 24
    assert all(len(found) == 1 for found in folds.values())


def test_identical_recordings_are_one_group(data):
    folder, _ = data
    groups = join(read_rows(folder / "tracks.csv"))
    assert groups["x-3-v0"] == groups["x-5-v0"] == "x-3"
    assert groups["x-0-v0"] == groups["x-0-v1"] == "x-0"
    assert len(set(groups.values())) == 23
    splits = pd.read_csv(folder / "splits.csv")
    both = splits[(splits["protocol"] == "by-song") & splits["track_id"].isin(["x-3-v0", "x-5-v0"])]
    assert (both.groupby("repeat")["fold"].nunique() == 1).all()


def test_joining_is_transitive():
    rows = [
        {"track_id": str(i), "song": song, "audio_sha256": audio, "status": "ok"}
        for i, (song, audio) in enumerate([("c", "1"), ("b", "1"), ("b", "2"), ("a", "2"), ("d", "3")])
    ]
    assert join(rows) == {"0": "a", "1": "a", "2": "a", "3": "a", "4": "d"}


def test_every_clip_is_tested_once_a_repeat_and_classes_are_balanced(data):
    folder, _ = data
    splits = pd.read_csv(folder / "splits.csv")
    for _, rows in splits.groupby(["protocol", "repeat"]):
        assert rows["clip_id"].is_unique and len(rows) == 27 * 5
        counts = pd.crosstab(rows["fold"], rows["label"])
        assert counts.to_numpy().min() >= 5
    honest = splits[splits["protocol"] == "by-song"]
    assert len({tuple(rows["fold"]) for _, rows in honest.groupby("repeat")}) == 3


def test_random_clips_leaks_and_is_the_only_protocol_that_may(data):
    folder, _ = data
    splits = pd.read_csv(folder / "splits.csv")
    leaking = splits[splits["protocol"] == "random-clips"]
    assert (leaking.groupby(["repeat", "track_id"])["fold"].nunique() > 1).mean() > 0.9
    assert gate(data) == {"by-song": 12}


@pytest.mark.parametrize(
    ("moved", "named"),
    [
        ("y-2-v0@10000", "song 'y-2'"),  # one clip of a song
        ("y-0-v1", "song 'y-0'"),  # another track of the same song
        ("x-5-v0", "the same audio"),  # the same recording under another song's name
    ],
)
def test_the_gate_finds_a_planted_leak(data, moved, named):
    folder, _ = data
    splits = pd.read_csv(folder / "splits.csv", dtype=str)
    planted = (splits["protocol"] == "by-song") & (splits["repeat"] == "1") & splits["clip_id"].str.startswith(moved)
    splits.loc[planted, "fold"] = splits.loc[planted, "fold"].map(lambda fold: str((int(fold) + 1) % 4))
    splits.loc[planted, "group"] = "a group that the splitter made up"
    with pytest.raises(InputError) as error:
        gate(data, splits)
    assert "by-song, repeat 1" in str(error.value) and named in str(error.value)


def test_the_gate_finds_a_leak_in_what_a_model_recorded(data):
    folder, sheet = data
    splits = pd.read_csv(folder / "splits.csv")
    rows = splits[(splits["protocol"] == "by-song") & (splits["repeat"] == 0)]
    record = pd.concat(
        [
            rows.assign(fold=fold, role=np.where(rows["fold"] == fold, "test", "train"))[
                ["repeat", "fold", "role", "clip_id"]
            ]
            for fold in range(4)
        ]
    )

    def check(record):
        record.to_parquet(folder / "fits.parquet", index=False)
        check_fits(
            sheet,
            tracks_csv=folder / "tracks.csv",
            fits=[folder / "fits.parquet"],
            output=folder / "checked.json",
        )

    check(record)
    tested = record[(record["fold"] == 2) & (record["role"] == "test")].head(1)
    with pytest.raises(InputError, match=r"fits\.parquet: repeat 0, fold 2: .*song '"):
        check(pd.concat([record, tested.assign(role="train")]))
