"""A playlist names the files as players read them, and a title cannot add a line to it."""

import subprocess

import imageio_ffmpeg
import pytest
from helpers.sound import tone, write_wav

from songwise.predict.playlist import write_playlist


def lines_of(playlist) -> list[str]:
    return playlist.read_bytes().decode("utf-8").split("\n")[:-1]


def test_files_are_named_relative_to_the_playlist_with_artist_title_and_seconds(tmp_path):
    rows = [
        {"path": tmp_path / "music/Björk/Jóga.ogg", "artist": "Björk", "title": "Jóga", "seconds": "304.6"},
        {"path": tmp_path / "lists/b.mp3", "artist": "", "title": "", "track_id": "b-track", "seconds": ""},
        {"path": tmp_path / "lists/c.mp3"},
    ]
    assert write_playlist(tmp_path / "lists/mix.m3u8", rows) == 3
    assert lines_of(tmp_path / "lists/mix.m3u8") == [
        "#EXTM3U",
        "#EXTINF:305,Björk - Jóga",
        "../music/Björk/Jóga.ogg",
        "#EXTINF:-1,b-track",
        "b.mp3",
        "#EXTINF:-1,",
        "c.mp3",
    ]


def test_names_from_strangers_add_no_lines(tmp_path):
    title = "good\r\n/etc/passwd\n#EXTINF:1,x\u2028y\x85z\x00\x1b[31m\ud800"
    row = {"path": tmp_path / "a.mp3", "artist": title, "title": title, "seconds": "nan"}
    paths = ["line\nbreak.mp3", "return\r.mp3", "next\x85line.mp3", "separator\u2028.mp3", "half\udcff.mp3"]
    rows = [row, *({"path": tmp_path / path, "title": "left out"} for path in paths)]
    assert write_playlist(tmp_path / "mix.m3u8", rows) == 1
    lines = (tmp_path / "mix.m3u8").read_bytes().decode("utf-8").splitlines()
    assert len(lines) == 3 and lines[2] == "a.mp3"
    assert lines[1].startswith("#EXTINF:-1,good /etc/passwd #EXTINF:1,x y z [31m") and lines[1].isprintable()


@pytest.mark.parametrize("name", ["#1 hit.mp3", "http:/evil.example/a.mp3", "a:b.mp3"])
def test_a_file_is_never_read_as_a_comment_or_an_address(tmp_path, name):
    write_playlist(tmp_path / "mix.m3u8", [{"path": tmp_path / name}])
    assert lines_of(tmp_path / "mix.m3u8")[2] == f"./{name}"


@pytest.mark.parametrize(
    ("seconds", "written"), [("61.5", 62), (0, -1), ("inf", -1), ("1e999", -1), (None, -1), ("x", -1)]
)
def test_an_unknown_length_is_minus_1(tmp_path, seconds, written):
    write_playlist(tmp_path / "mix.m3u8", [{"path": tmp_path / "a.mp3", "seconds": seconds}])
    assert lines_of(tmp_path / "mix.m3u8")[1] == f"#EXTINF:{written},"


def test_an_error_leaves_the_old_playlist(tmp_path):
    playlist = tmp_path / "mix.m3u8"
    write_playlist(playlist, [{"path": tmp_path / "a.mp3"}])
    before = playlist.read_bytes()
    with pytest.raises(KeyError):
        write_playlist(playlist, [{"path": tmp_path / "b.mp3"}, {}])
    assert playlist.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["mix.m3u8"]


def test_the_named_files_are_found_from_any_working_folder(tmp_path, monkeypatch):
    (tmp_path / "lists").mkdir()
    (tmp_path / "audio").mkdir()
    write_wav(tmp_path / "audio/#1 - тест.wav", tone(0.2, 440))
    monkeypatch.chdir(tmp_path / "audio")
    write_playlist(tmp_path / "lists/mix.m3u8", [{"path": "#1 - тест.wav"}])
    location = lines_of(tmp_path / "lists/mix.m3u8")[2]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", tmp_path / "lists" / location, "-f", "null", "-"]
    assert subprocess.run(command, capture_output=True).returncode == 0
