"""Folders or tags name the classes, and small classes are left out."""

import shutil
from pathlib import Path

import pytest
from helpers.library import column, init, line_with, sheet
from helpers.tracks import load_tracks

from songwise.errors import InputError


def test_folders_name_classes_and_the_data_set_loads(music, project):
    music.classes("jazz", "rock", songs=6)
    report = init(music.folder)
    dataset, tracks = load_tracks("mine")
    assert dataset["source"] == {"type": "manifest", "tracks": "mine.tracks.csv"} and dataset["label"] == "class"
    assert {track.label for track in tracks} == {"jazz", "rock"} and len(tracks) == 12
    assert all(Path(track.path).samefile(music.folder / track.track_id) for track in tracks)
    assert "12 music files (12 mp3), 0.0 hours" in report and "--label folder|genre" in report
    assert line_with("jazz ", report).split() == ["jazz", "6", "tracks,", "6", "songs"]
    assert report.splitlines()[-1].strip() == "snakemake --config dataset=mine"


def test_a_flat_folder_is_labelled_by_the_first_genre_in_one_spelling(music, project):
    genres = ["Hip-Hop", "Hip-Hop; Rap", "hip hop", "Hip-Hop/Soul", "HipHop", *["Rock"] * 5, "", "@\x07", "Polka"]
    for i, genre in enumerate(genres):
        music(f"{i:02d}.mp3", genre=genre, artist=f"A{i}", title=f"T{i}")
    report = init(music.folder)
    assert sorted(set(column("label").values())) == ["Hip-Hop", "Rock"] and len(sheet()) == 10
    assert load_tracks("mine")[0]["label"] == "genre"
    assert "genre tags, because there is no folder per class" in report
    assert "2 files (10.mp3, 11.mp3)" in line_with("no usable genre tag", report)
    assert "Hip-Hop / HipHop / hip hop" in line_with("treated as one class", report)
    assert "Polka 1" in line_with("fewer than the 5", report)


def test_folders_of_artists_with_albums_are_labelled_by_genre_unless_requested_otherwise(music, project):
    for i, artist in enumerate(["The Abba", "Beck", "Cher", "Devo"]):
        for j in range(6):
            tags = {"genre": ["Pop", "Rock"][i % 2], "album": f"Hits {j % 2}", "albumartist": artist}
            music(f"{artist}/Hits {j % 2}/{j}.mp3", artist=artist, title=f"{artist} {'abcdef'[j]}", **tags)
    report = init(music.folder)
    assert set(column("label").values()) == {"Pop", "Rock"} and "because the folders are artists" in report
    assert len(set(column("album").values())) == 8  # "Hits 0" by two artists are two albums
    report = init(music.folder, label="folder", force=True)
    assert set(column("label").values()) == {"The Abba", "Beck", "Cher", "Devo"}
    assert load_tracks("mine")[0]["label"] == "artist" and "single artist" not in report
    init(music.folder, label="album", force=True)
    assert set(column("label").values()) == {"Hits 0", "Hits 1"}


def test_small_classes_are_left_out_and_a_single_class_is_an_error(music, project):
    music.classes("jazz", "rock")
    music.classes("polka", songs=4)
    assert "1 class (polka 4)" in line_with("fewer than the 5", init(music.folder))
    assert set(column("label").values()) == {"jazz", "rock"}
    shutil.rmtree(music.folder / "rock")
    with pytest.raises(InputError, match=r"fewer than two classes.*too small: polka 4; large enough: jazz"):
        init(music.folder, force=True)
    assert set(column("label").values()) == {"jazz", "rock"}
