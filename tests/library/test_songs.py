"""Files of one song are found by tags, names or a pattern; no song is in two classes."""

import shutil
import unicodedata
from pathlib import Path

import pytest
from helpers.library import column, init, line_with, sheet

from songwise.errors import InputError
from songwise.library.scan import MusicFile
from songwise.library.songs import name_tracks


def test_a_file_without_tags_is_the_song_in_its_name(music, project):
    music.classes("rock", "jazz")
    music("rock/x.mp3", artist="Oasis", title="Live Forever")
    music("rock/disc/07 - Oasis - Live Forever (demo).mp3")
    music("jazz/a/Track 1.mp3"), music("jazz/b/Track 1.mp3")
    init(music.folder)
    songs = column("song")
    assert songs["rock/x.mp3"] == songs["rock/disc/07 - Oasis - Live Forever (demo).mp3"]
    assert songs["jazz/a/Track 1.mp3"] != songs["jazz/b/Track 1.mp3"]
    assert songs["rock/song a.mp3"] != songs["jazz/song a.mp3"]


def test_a_regular_expression_can_name_the_songs(music, project):
    for label in ("rock", "jazz"):
        for i in range(10):
            music(f"{label}/{i % 5}-{i}.mp3")
    init(music.folder, song=r"(\d)-")
    assert len(set(column("song").values())) == 10
    with pytest.raises(InputError, match=r"--song 'x.*' does not match 20 files: jazz/0-0.mp3"):
        init(music.folder, song="x(.*)", force=True)


def test_songs_and_files_in_two_classes_are_left_out_and_a_copy_counts_once(music, project):
    music.classes("jazz", "rock")
    one = music("jazz/same.mp3", artist="X", title="Same")
    music("rock/other.mp3", artist="x", title="Same (Live)")
    both = music("jazz/bytes.mp3")
    shutil.copy(both, music.folder / "rock" / "bytes of it.mp3")
    shutil.copy(music.folder / "jazz" / "song a.mp3", music.folder / "jazz" / "zz.mp3")
    report = init(music.folder)
    assert len(sheet()) == 10 and str(one.name) not in str(sheet())
    assert "2 files of 1 song (jazz/same.mp3 = rock/other.mp3)" in line_with(
        "versions of one song in two classes", report
    )
    assert "2 files (jazz/bytes.mp3 = rock/bytes of it.mp3)" in line_with("identical files in two classes", report)
    assert "1 file (jazz/song a.mp3 = jazz/zz.mp3)" in line_with("another file of the same class", report)


@pytest.mark.parametrize("length", [1, 250])
def test_names_that_differ_only_in_unicode_form_have_different_track_ids(length):
    composed = f"\u00c1/{'x' * length} \u00e9.mp3"
    names = [unicodedata.normalize("NFD", composed), f"A\u0301/{'x' * length} \u00e9.mp3", composed]
    files = [MusicFile(Path(name), name, 1) for name in names]
    name_tracks(files)
    assert len({file.track_id for file in files}) == 3
    assert all(len(file.track_id) <= 200 for file in files)
