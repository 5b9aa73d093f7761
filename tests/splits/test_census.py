"""Tracks that were left out are summarised with their reasons, and a class with too few songs stops the run."""

import pytest
from helpers.sheets import make_sheet, write_tables

from songwise.clips.columns import CLIP_COLUMNS, TRACK_COLUMNS
from songwise.clips.fingerprints import write_fingerprints
from songwise.errors import InputError
from songwise.files import read_rows, write_rows
from songwise.splits.census import check_survival, gather


@pytest.fixture
def sheet(tmp_path):
    return make_sheet(tmp_path)


def tables_of(folder, tracks: list[dict]) -> dict:
    """The arguments of `gather` for one shard of tracks without clips."""
    write_rows(folder / "shard.tracks.csv", TRACK_COLUMNS, tracks)
    write_rows(folder / "shard.clips.csv", CLIP_COLUMNS, [])
    write_fingerprints(folder / "shard.parquet", {})
    return {
        "track_tables": [folder / "shard.tracks.csv"],
        "clip_tables": [folder / "shard.clips.csv"],
        "fingerprints": [folder / "shard.parquet"],
        "outputs": {name: folder / f"{name}.csv" for name in ("tracks", "clips", "duplicates")},
    }


def test_a_class_needs_enough_usable_songs(sheet):
    tracks_csv = sheet.folder / "tracks.csv"
    check_survival(tracks_csv, 8)
    write_tables(sheet, lost=["z-1-v0", "z-2-v0"])
    check_survival(tracks_csv, 6)
    with pytest.raises(InputError, match=r"^class z has only 6 usable songs; at least 7 per class are needed") as error:
        check_survival(tracks_csv, 7)
    assert f"{tracks_csv} has a reason for each track" in str(error.value)
    assert "--forcerun acquire_tracks" in str(error.value)


def test_the_summary_counts_good_tracks_and_names_three_per_reason(tmp_path, capsys):
    bad = {"status": "failed", "reason": "404: not found"}
    rows = [{"track_id": f"t{number}", "song": f"t{number}"} | bad for number in range(5)]
    rows.append({"track_id": "good", "song": "good", "status": "ok", "audio_sha256": "a"})
    gather(**tables_of(tmp_path, rows))
    printed = capsys.readouterr().err
    assert "1 of 6 tracks are good; left out (see " in printed
    assert "failed: t0, t1, t2 and 2 more (404: not found)" in printed


def test_the_same_audio_under_two_songs_is_printed(tmp_path, capsys):
    shared = {"status": "ok", "audio_sha256": "same", "seconds": "30"}
    rows = [{"track_id": name, "song": name, "label": label} | shared for name, label in (("one", "a"), ("other", "b"))]
    gather(**tables_of(tmp_path, rows))
    printed = capsys.readouterr().err
    pair = "same audio: one and other, kept on the same side of every split (please check: their labels differ)"
    assert f"  {pair}\n" in printed
    assert [row["track_id"] for row in read_rows(tmp_path / "tracks.csv")] == ["one", "other"]
