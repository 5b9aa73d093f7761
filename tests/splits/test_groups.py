"""Tracks of the same song, artist or recording form one group."""

from dataclasses import asdict

import pytest
from helpers.sheets import make_sheet, split

from songwise.files import read_rows
from songwise.splits.groups import join


@pytest.fixture
def sheet(tmp_path):
    return make_sheet(tmp_path)


def test_copies_of_a_recording_are_one_group(sheet):
    duplicates = read_rows(sheet.folder / "duplicates.csv")
    groups = join(read_rows(sheet.folder / "tracks.csv"), duplicates)
    assert groups["x-3-v0"] == groups["x-7-v0"] == "x-3"
    assert groups["y-4-v0"] == groups["y-6-v0"] == "y-4"
    assert groups["x-0-v0"] == groups["x-0-v1"] == "x-0"
    assert len(set(groups.values())) == 22
    artists = join([asdict(track) | {"status": "ok"} for track in sheet.tracks], by=("song", "artist"))
    assert len(set(artists.values())) == 12 and artists["z-2-v0"] == artists["z-3-v0"]
    assert len({group for group in split(sheet, "by-artist")["group"] if group[0] == "x"}) == 3  # of the 4: x-3 is x-7


def test_joining_is_transitive():
    rows = [
        {"track_id": str(i), "song": song, "audio_sha256": audio, "status": "ok"}
        for i, (song, audio) in enumerate([("c", "1"), ("b", "1"), ("b", "2"), ("a", "2"), ("d", "3")])
    ]
    assert join(rows) == {"0": "a", "1": "a", "2": "a", "3": "a", "4": "d"}
