"""Files that are not music, and copies, are left out with a reason."""

import os
import shutil

from helpers.library import init, line_with, sheet


def test_files_that_are_not_music_are_left_out_and_named(music, sounds, project, tmp_path):
    music.classes("jazz", "rock")
    folder = music.folder / "jazz"
    (folder / "empty.mp3").touch()
    (folder / "text.ogg").write_text("not music\n" * 100)
    (folder / "old.wma").write_bytes(b"x")
    (folder / "film.mp4").write_bytes(b"x")
    (folder / "._song.mp3").write_bytes(b"x")
    (folder / "cover.jpg").write_bytes(b"x")
    os.mkfifo(folder / "pipe.mp3")
    shutil.copy(sounds["wav"], tmp_path / "secret.wav")
    (folder / "link.wav").symlink_to(tmp_path / "secret.wav")
    (folder / "inside.mp3").symlink_to(folder / "song a.mp3")
    (music.folder / "out").symlink_to(tmp_path)
    shutil.copy(sounds["wav"], os.fsencode(folder) + b"/caf\xe9.wav")
    shutil.copy(sounds["wav"], folder / "red\x1b[31m.wav")
    shutil.copy(sounds["wav"], music.folder / "stray.wav")
    report = init(music.folder)
    assert len(sheet()) == 10 and "\x1b" not in report and "cover" not in report
    for words, name in {
        "empty (0 bytes)": "jazz/empty.mp3",
        "content is not audio": "jazz/text.ogg",
        "does not read .wma": "jazz/old.wma",
        "does not read .mp4": "jazz/film.mp4",
        "out, hidden files:": "jazz/._song.mp3",
        "not regular files": "jazz/pipe.mp3",
        "links to files outside": "jazz/link.wav",
        "links to folders": "out",
        "another file of the same class": "jazz/inside.mp3",
        "not UTF-8": r"jazz/caf\udce9.wav",
        "control characters": r"jazz/red\x1b[31m.wav",
        "not in the folder of a class": "stray.wav",
    }.items():
        assert name in line_with(words, report)
