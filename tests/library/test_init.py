"""`songwise init` writes a data set that loads, and nothing if anything is wrong."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from helpers.library import column, init, sheet
from helpers.project import ROOT
from helpers.tracks import load_tracks

from songwise.errors import InputError
from songwise.files import read_rows


def test_an_existing_data_set_is_replaced_only_with_force_and_keeps_its_edited_file(music, project):
    music.classes("jazz", "rock")
    init(music.folder)
    before = sheet()
    music("jazz/new.mp3")
    (music.folder / "rock" / "song a.mp3").rename(music.folder / "rock" / "song z.mp3")
    file = project / "config" / "datasets" / "mine.yaml"
    file.write_text(file.read_text().replace("seconds: 10, hop: 10", "seconds: 7, hop: 7") + "# edited\n")
    with pytest.raises(InputError, match=r"mine.yaml exists already; choose another --name, or .* --force"):
        init(music.folder)
    assert sheet() == before
    report = init(music.folder, force=True)
    assert "2 tracks new (jazz/new.mp3, rock/song z.mp3); 1 track removed (rock/song a.mp3)" in report
    assert "# edited" in file.read_text() and len(sheet()) == 11
    init(music.folder, label="folder", force=True)
    assert "# edited" in file.read_text()
    file.write_text("name: [broken")
    init(music.folder, force=True)
    assert yaml.safe_load(file.read_text())["clip"]["seconds"] == 10
    assert sorted(path.name for path in file.parent.iterdir()) == ["mine.tracks.csv", "mine.yaml"]


def test_the_sheet_does_not_depend_on_the_order_in_which_files_were_created(music, project, tmp_path):
    music.classes("jazz", "rock")
    init(music.folder)
    first = (project / "config" / "datasets" / "mine.tracks.csv").read_text()
    other = tmp_path / "other" / "My Music"
    for path in sorted(music.folder.rglob("*.mp3"), reverse=True):
        (other / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, other / path.parent.name)
    init(other, force=True)
    second = (project / "config" / "datasets" / "mine.tracks.csv").read_text()
    assert second == first.replace(str(music.folder), str(other))
    assert list(column("path").values()) == sorted(column("path").values())


def test_paths_are_relative_in_the_project_and_absolute_elsewhere(music, project):
    music.classes("jazz", "rock")
    init(music.folder)
    assert all(Path(path).is_absolute() for path in column("path").values())
    shutil.move(music.folder, project / "=music")
    init(project / "=music", force=True)
    assert column("path")["jazz/song a.mp3"] == "../../=music/jazz/song a.mp3"
    (project / "=music" / "jazz").rename(project / "=music" / "=jazz")
    init(project / "=music", force=True)
    shutil.move(project, project.parent / "moved")
    os.chdir(project.parent / "moved")
    assert all(Path(track.path).is_file() for track in load_tracks("mine")[1])
    init(project.parent / "moved" / "=music", out=project.parent / "moved" / "=music")
    rows = read_rows(project.parent / "moved" / "=music" / "mine.tracks.csv")
    assert rows[0]["path"] == "./=jazz/song a.mp3"


def test_copied_files_are_in_the_project_and_take_no_space(music, project):
    music.classes("jazz", "rock")
    init(music.folder, copy=True)
    assert column("path")["jazz/song a.mp3"] == "../../data/raw/mine/audio/jazz/song a.mp3"
    own = project / "data" / "raw" / "mine" / "audio" / "jazz" / "song a.mp3"
    assert own.samefile(music.folder / "jazz" / "song a.mp3")
    assert len(load_tracks("mine")[1]) == 10
    init(music.folder, copy=True, force=True)
    assert len(list((project / "data").rglob("*.mp3"))) == 10


def test_malicious_tags_reach_neither_sheet_nor_terminal(music, project):
    evil = "\x1b[2J\x07\n=cmd|' /C calc'!A0\r\u202e\x9b31m\ud800"
    for i in range(10):
        music(f"{i}.mp3", genre=f"{evil}@A" if i % 2 else f"=+-@B{evil}", artist=f"@{evil}{i}", title="x" * 10**6)
    for i in range(5):
        music(f"=x@{'abcde'[i]}{'y' * 200}.mp3", genre="AC/DC", artist="@", album="=1+1", title="\n\n")
    report = init(music.folder, label="genre")
    text = (project / "config" / "datasets" / "mine.tracks.csv").read_text()
    assert all(character.isprintable() for character in (report + text).replace("\n", ""))
    assert len(text.splitlines()) == 16
    for row in sheet():
        assert "@" not in row["label"] + row["track_id"]
        assert not any(value.startswith(("=", "+", "-", "@")) for value in row.values())
        assert max(map(len, row.values())) < 1000
    assert len(load_tracks("mine")[1]) == 15


def test_the_command_reports_what_is_wrong_without_a_traceback(music, project):
    def run(*words):
        command = [sys.executable, "-m", "songwise", "init", *map(str, words)]
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": "ascii:strict"}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    music.classes("ジャズ", "rock")
    done = run(music.folder)
    assert done.returncode == 0, done.stderr
    assert (project / "config" / "datasets" / "my-music.yaml").is_file()
    assert done.stderr.splitlines()[-1].endswith("dataset=my-music")
    for words, message in {
        (music.folder,): "exists already",
        ("nowhere",): "there is no folder nowhere",
        (project / "workflow", "--name", "x"): "contains no music",
        (music.folder, "--name", "../x"): "letters, digits",
        (music.folder, "--name", "x", "--label", "genre"): "fewer than two classes",
        (music.folder, "--name", "x", "--label", "gendre"): "did you mean 'genre'?",
        (music.folder, "--name", "x", "--out", "/proc/nowhere"): "cannot write to",
        (music.folder, "--name", "x", "--song", "("): "is not a valid regular expression",
        (music.folder / "rock", "--name", "x"): "cannot find the classes",
    }.items():
        done = run(*words)
        assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr, done.stderr
        assert done.stderr.startswith("songwise: ")
    assert not list(project.rglob("x.*"))
