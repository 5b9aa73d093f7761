"""songwise init: a folder of real music files becomes a data set that loads, and what is odd about it is said."""

import os
import random
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from helpers.project import ROOT
from helpers.sound import encode, tone, write_wav

from songwise.datasets.sheet import load_tracks
from songwise.errors import InputError
from songwise.files import read_rows
from songwise.library.init import init_library
from songwise.library.tags import normal_name, normal_title, read_tags, title_of_file

FORMATS = ("mp3", "flac", "ogg", "opus", "m4a", "wav")


@pytest.fixture(scope="session")
def sounds(tmp_path_factory):
    """Twelve seconds of a tone in each format, without tags."""
    folder = tmp_path_factory.mktemp("sounds")
    source = write_wav(folder / "wav.wav", tone(12, 330))
    return {suffix: encode(source, folder / f"bare.{suffix}", "-id3v2_version", "0") for suffix in FORMATS}


@pytest.fixture
def music(sounds, tmp_path):
    """Makes MP3 files below a folder of music, with tags by ID3 name, no two alike."""

    class Music:
        folder = tmp_path / "My Music"
        made = 0

        def __call__(self, name, *, artist="", album="", title="", genre="", albumartist="", body=None):
            frames = {"TPE1": artist, "TALB": album, "TIT2": title, "TCON": genre, "TPE2": albumartist}
            Music.made += 1
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(id3(frames | {"TENC": str(Music.made)}) + (body or sounds["mp3"].read_bytes()))
            return path

        def classes(self, *labels, songs=5, **tags):
            for label in labels:
                for i in range(songs):
                    self(f"{label}/song {'abcdefghijkl'[i]}.mp3", **tags)

    return Music()


def id3(frames):
    body = b""
    for name, text in frames.items():
        if text:
            content = b"\x01" + text.encode("utf-16", "surrogatepass")
            body += name.encode() + struct.pack(">IH", len(content), 0) + content
    size = bytes((len(body) >> shift) & 127 for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + body


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with what init needs of a project."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "workflow" / "schemas", folder / "workflow" / "schemas")
    (folder / "config" / "datasets").mkdir(parents=True)
    shutil.copy(ROOT / "config" / "config.yaml", folder / "config")
    monkeypatch.chdir(folder)
    return folder


def init(folder, **options):
    said = []
    init_library(folder, name="mine", say=said.append, **options)
    return "\n".join(said)


def sheet():
    return read_rows("config/datasets/mine.tracks.csv")


def column(name):
    return {row["track_id"]: row[name] for row in sheet()}


def doubt(said, words):
    (line,) = [line for line in said.splitlines() if words in line]
    return line


def test_folders_name_classes_and_the_data_set_loads(music, project):
    music.classes("jazz", "rock", songs=6)
    said = init(music.folder)
    dataset, tracks = load_tracks("mine")
    assert dataset["source"] == {"type": "manifest", "tracks": "mine.tracks.csv"} and dataset["label"] == "class"
    assert {track.label for track in tracks} == {"jazz", "rock"} and len(tracks) == 12
    assert all(Path(track.path).samefile(music.folder / track.track_id) for track in tracks)
    assert "12 files of music (12 mp3)" in said and "--label folder|genre" in said
    assert doubt(said, "jazz ").split() == ["jazz", "6", "tracks,", "6", "songs"]
    assert said.splitlines()[-1].strip() == "snakemake --cores all --config dataset=mine"


def test_tags_of_every_format_are_read_and_a_song_is_one_in_all_of_them(sounds, music, project):
    for suffix in FORMATS:
        target = music.folder / "pop" / f"{suffix}.{suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        words = {"artist": "The Ünes", "album": "First", "title": "Help!" if suffix in "mp3 wav" else "help (Live)"}
        metadata = [word for key, value in words.items() for word in ("-metadata", f"{key}={value}")]
        encode(sounds[suffix], target, "-c", "copy", *metadata)
    music.classes("pop", "rock")
    said = init(music.folder)
    rows = [row for row in sheet() if row["artist"]]
    assert len(rows) == len(FORMATS)
    assert {(row["song"], row["artist"], row["album"]) for row in rows} == {("unes - help", "The Ünes", "First")}
    assert "6 files of 1 song" in doubt(said, "versions of one song")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Help!", "HELP (Live at the BBC)"),
        ("Help!", "help - Remastered 2011"),
        ("Help!", "Help [2009 Remaster]"),
        ("Help!", "Help (feat. Somebody)"),
        ("Help!", "Help ft. Somebody Else"),
        ("Help!", "Help \u2013 Radio Edit"),
        ("Beyoncé", "BEYONCE\u0301 (Remix)"),
        ("Don\u2019t You & I", "Dont You and I"),
        ("\uff21\uff22\uff23", "abc"),
    ],
)
def test_versions_have_one_title(one, other):
    assert normal_title(one) == normal_title(other) != ""


def test_titles_that_are_others_stay_apart():
    titles = ["Live and Let Die", "Die", "Part 1", "Part 2", "(I Can't) Go", "Go", "1999", "???", "!!!", "がき", "かき"]
    assert len({normal_title(title) for title in titles}) == len(titles)
    assert normal_title("Track 01") == normal_title("Untitled") == normal_name("Various Artists") == ""
    assert normal_name("The Beatles") == normal_name("Beatles, The") == normal_name("BEATLES") != ""
    assert title_of_file("01 - Oasis - Live Forever") == ("oasis", "live forever")
    assert title_of_file("1-03 Wonder (Live)") == title_of_file("Wonder - Live") == ("", "wonder")
    assert title_of_file("blues.00001")[1] != title_of_file("blues.00002")[1]


def test_a_file_without_tags_is_the_song_that_its_name_says(music, project):
    music.classes("rock", "jazz")
    music("rock/x.mp3", artist="Oasis", title="Live Forever")
    music("rock/disc/07 - Oasis - Live Forever (demo).mp3")
    music("jazz/a/Track 1.mp3"), music("jazz/b/Track 1.mp3")
    init(music.folder)
    songs = column("song")
    assert songs["rock/x.mp3"] == songs["rock/disc/07 - Oasis - Live Forever (demo).mp3"]
    assert songs["jazz/a/Track 1.mp3"] != songs["jazz/b/Track 1.mp3"]
    assert songs["rock/song a.mp3"] != songs["jazz/song a.mp3"]


def test_song_may_be_found_by_an_expression_of_ones_own(music, project):
    for label in ("rock", "jazz"):
        for i in range(10):
            music(f"{label}/{i % 5}-{i}.mp3")
    init(music.folder, song=r"(\d)-")
    assert len(set(column("song").values())) == 10
    with pytest.raises(InputError, match=r"--song 'x.*' does not match 20 files: jazz/0-0.mp3"):
        init(music.folder, song="x(.*)", force=True)


def test_a_flat_folder_is_classed_by_genre_the_first_and_in_one_spelling(music, project):
    genres = ["Hip-Hop", "Hip-Hop; Rap", "hip hop", "Hip-Hop/Soul", "HipHop", *["Rock"] * 5, "", "@\x07", "Polka"]
    for i, genre in enumerate(genres):
        music(f"{i:02d}.mp3", genre=genre, artist=f"A{i}", title=f"T{i}")
    said = init(music.folder)
    assert sorted(set(column("label").values())) == ["Hip-Hop", "Rock"] and len(sheet()) == 10
    assert load_tracks("mine")[0]["label"] == "genre"
    assert "genre tags, since there is no folder for each class" in said
    assert "2 files (10.mp3, 11.mp3)" in doubt(said, "without a usable genre tag")
    assert "Hip-Hop / HipHop / hip hop" in doubt(said, "one class")
    assert "Polka 1" in doubt(said, "fewer than the 5")


def test_folders_of_artists_with_albums_are_classed_by_genre_unless_asked_otherwise(music, project):
    for i, artist in enumerate(["The Abba", "Beck", "Cher", "Devo"]):
        for j in range(6):
            tags = {"genre": ["Pop", "Rock"][i % 2], "album": f"Hits {j % 2}", "albumartist": artist}
            music(f"{artist}/Hits {j % 2}/{j}.mp3", artist=artist, title=f"{artist} {'abcdef'[j]}", **tags)
    said = init(music.folder)
    assert set(column("label").values()) == {"Pop", "Rock"} and "since the folders are artists" in said
    assert len(set(column("album").values())) == 8  # "Hits 0" of two artists are two albums
    said = init(music.folder, label="folder", force=True)
    assert set(column("label").values()) == {"The Abba", "Beck", "Cher", "Devo"}
    assert load_tracks("mine")[0]["label"] == "artist" and "single artist" not in said
    init(music.folder, label="album", force=True)
    assert set(column("label").values()) == {"Hits 0", "Hits 1"}


def test_what_stands_in_two_classes_is_left_out_and_a_copy_counts_once(music, project):
    music.classes("jazz", "rock")
    one = music("jazz/same.mp3", artist="X", title="Same")
    music("rock/other.mp3", artist="x", title="Same (Live)")
    both = music("jazz/bytes.mp3")
    shutil.copy(both, music.folder / "rock" / "bytes of it.mp3")
    shutil.copy(music.folder / "jazz" / "song a.mp3", music.folder / "jazz" / "zz.mp3")
    said = init(music.folder)
    assert len(sheet()) == 10 and str(one.name) not in str(sheet())
    assert "2 files of 1 song (jazz/same.mp3 = rock/other.mp3)" in doubt(said, "versions of one song in two")
    assert "2 files (jazz/bytes.mp3 = rock/bytes of it.mp3)" in doubt(said, "same bytes in two classes")
    assert "1 file (jazz/song a.mp3 = jazz/zz.mp3)" in doubt(said, "another file of the class")


def test_small_classes_are_left_out_and_one_class_is_no_data_set(music, project):
    music.classes("jazz", "rock")
    music.classes("polka", songs=4)
    assert "1 class (polka 4)" in doubt(init(music.folder), "fewer than the 5")
    assert set(column("label").values()) == {"jazz", "rock"}
    shutil.rmtree(music.folder / "rock")
    with pytest.raises(InputError, match=r"fewer than two classes.*too small: polka 4; large enough: jazz"):
        init(music.folder, force=True)
    assert set(column("label").values()) == {"jazz", "rock"}


def test_files_that_are_no_music_are_left_out_and_named(music, sounds, project, tmp_path):
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
    said = init(music.folder)
    assert len(sheet()) == 10 and "\x1b" not in said and "cover" not in said
    for words, name in {
        "empty (0 bytes)": "jazz/empty.mp3",
        "no audio by their content": "jazz/text.ogg",
        ".wma is not read": "jazz/old.wma",
        ".mp4 is not read": "jazz/film.mp4",
        "out, hidden:": "jazz/._song.mp3",
        "no ordinary files": "jazz/pipe.mp3",
        "links to what lies outside": "jazz/link.wav",
        "links to folders": "out",
        "another file of the class": "jazz/inside.mp3",
        "not UTF-8": r"jazz/caf\udce9.wav",
        "control characters": r"jazz/red\x1b[31m.wav",
        "in no folder of a class": "stray.wav",
    }.items():
        assert name in doubt(said, words)


def test_what_makes_figures_hard_to_believe_is_said(music, sounds, project):
    music.classes("Hip-Hop", songs=12, artist="Only One", album="Only")
    for i in range(12):
        music(f"hip hop/{'abcdefghijkl'[i]}.mp3", artist=f"A{i}", title=f"T{i}")
    for i in range(10):
        target = music.folder / "wave" / f"{'abcdefghij'[i]}.wav"
        target.parent.mkdir(exist_ok=True)
        encode(sounds["wav"], target, "-t", ["3", "7", "12"][min(i, 2)], "-metadata", f"title=T{i}")
    shutil.copy(sounds["flac"], music.folder / "hip hop" / "really flac.mp3")
    shutil.copy(sounds["flac"], music.folder / "Hip-Hop" / "ruined.flac")
    with (music.folder / "Hip-Hop" / "ruined.flac").open("r+b") as stream:
        stream.truncate(12)
    long = bytearray(sounds["wav"].read_bytes())
    at = long.index(b"data") + 4
    long[at : at + 4] = struct.pack("<I", 2000 * 44_100)
    (music.folder / "hip hop" / "long.wav").write_bytes(long)
    said = init(music.folder, song="(.*)")
    assert "Hip-Hop / hip hop" in doubt(said, "by spelling alone")
    assert "format" in doubt(said, "without the music")
    assert "wave/a.wav" in doubt(said, "shorter than 5 s")
    assert "wave/b.wav" in doubt(said, "shorter than a clip of 10 s")
    assert "hip hop/long.wav" in doubt(said, "longer than 1800 s")
    assert "Hip-Hop/ruined.flac" in doubt(said, "tags that cannot be read")
    assert "hip hop/really flac.mp3 (flac)" in doubt(said, "whose suffix says another format")


def test_unequal_classes_and_classes_of_one_artist_are_named(music, project):
    music.classes("few", artist="Only One", album="Only")
    for i in range(51):
        music(f"many/{chr(0x3041 + i)}.mp3", artist=f"A{i}", title=f"{chr(0x4E00 + i)}", album="x")
    said = init(music.folder)
    assert "many has 51 songs, few 5" in doubt(said, "very different size")
    assert doubt(said, "single artist").endswith(": few") and doubt(said, "single album").endswith(": few, many")


def test_a_data_set_that_is_there_is_replaced_by_force_alone_and_keeps_its_edited_file(music, project):
    music.classes("jazz", "rock")
    init(music.folder)
    before = sheet()
    music("jazz/new.mp3")
    (music.folder / "rock" / "song a.mp3").rename(music.folder / "rock" / "song z.mp3")
    file = project / "config" / "datasets" / "mine.yaml"
    file.write_text(file.read_text().replace("seconds: 10, hop: 10", "seconds: 7, hop: 7") + "# edited\n")
    with pytest.raises(InputError, match=r"mine.yaml is there already; choose another --name, or .* --force"):
        init(music.folder)
    assert sheet() == before
    said = init(music.folder, force=True)
    assert "2 tracks new (jazz/new.mp3, rock/song z.mp3); 1 track gone (rock/song a.mp3)" in said
    assert "# edited" in file.read_text() and len(sheet()) == 11
    init(music.folder, label="folder", force=True)
    assert "# edited" in file.read_text()
    file.write_text("name: [broken")
    init(music.folder, force=True)
    assert yaml.safe_load(file.read_text())["clip"]["seconds"] == 10
    assert sorted(path.name for path in file.parent.iterdir()) == ["mine.tracks.csv", "mine.yaml"]


def test_the_sheet_is_the_same_whatever_order_files_were_made_in(music, project, tmp_path):
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


def test_paths_are_relative_below_the_project_and_absolute_elsewhere(music, project):
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


def test_copied_files_lie_in_the_project_and_cost_no_space(music, project):
    music.classes("jazz", "rock")
    init(music.folder, copy=True)
    assert column("path")["jazz/song a.mp3"] == "../../data/raw/mine/audio/jazz/song a.mp3"
    own = project / "data" / "raw" / "mine" / "audio" / "jazz" / "song a.mp3"
    assert own.samefile(music.folder / "jazz" / "song a.mp3")
    assert len(load_tracks("mine")[1]) == 10
    init(music.folder, copy=True, force=True)
    assert len(list((project / "data").rglob("*.mp3"))) == 10


def test_hostile_tags_reach_neither_sheet_nor_terminal(music, project):
    evil = "\x1b[2J\x07\n=cmd|' /C calc'!A0\r\u202e\x9b31m\ud800"
    for i in range(10):
        music(f"{i}.mp3", genre=f"{evil}@A" if i % 2 else f"=+-@B{evil}", artist=f"@{evil}{i}", title="x" * 10**6)
    for i in range(5):
        music(f"=x@{'abcde'[i]}{'y' * 200}.mp3", genre="AC/DC", artist="@", album="=1+1", title="\n\n")
    said = init(music.folder, label="genre")
    text = (project / "config" / "datasets" / "mine.tracks.csv").read_text()
    assert all(character.isprintable() for character in (said + text).replace("\n", ""))
    assert len(text.splitlines()) == 16
    for row in sheet():
        assert "@" not in row["label"] + row["track_id"]
        assert not any(value.startswith(("=", "+", "-", "@")) for value in row.values())
        assert max(map(len, row.values())) < 1000
    assert len(load_tracks("mine")[1]) == 15


def test_a_file_that_makes_the_reader_loop_costs_the_limit_and_is_a_problem(music, project, tmp_path):
    music.classes("jazz", "rock")
    loop = music.folder / "jazz" / "loop.mp3"
    with loop.open("wb") as stream:
        stream.truncate(1 << 33)
    start = time.monotonic()
    paths = [*[loop] * (os.cpu_count() + 1), *sorted(music.folder.rglob("song*"))]  # one more than there are readers
    tags = read_tags(paths, limit=2)
    assert time.monotonic() - start < 20
    assert [one.problem for one in tags] == ["takes too long to read"] * (len(paths) - 10) + [""] * 10
    assert all(one.kind == "mp3" and 11 < one.seconds < 13 for one in tags if not one.problem)


def test_a_reader_that_dies_costs_one_file(music, tmp_path):
    music.classes("jazz", "rock")
    loop = music.folder / "jazz" / "loop.mp3"
    with loop.open("wb") as stream:
        stream.truncate(1 << 33)

    read = []

    def told():
        read.append(None)
        if len(read) == 10:  # all but the one that never ends
            for child in psutil.Process().children():
                child.kill()

    tags = read_tags([*sorted(music.folder.rglob("song*")), loop], limit=60, told=told)
    assert tags[-1].problem == "crashes the reader of tags" and not any(one.problem for one in tags[:-1])
    assert not psutil.Process().children()


def test_mutated_files_never_stop_it(sounds, music, project):
    rng = random.Random(0)
    music.classes("jazz", "rock")
    tagged = {}
    for suffix, path in sounds.items():
        target = music.folder.parent / f"tagged.{suffix}"
        encode(path, target, "-c", "copy", "-metadata", "title=Some title", "-metadata", "artist=Some artist")
        tagged[suffix] = target.read_bytes()[:20_000]
    for i in range(300):
        suffix = FORMATS[i % len(FORMATS)]
        data = bytearray(tagged[suffix])
        for _ in range(rng.choice((1, 4, 40))):
            data[rng.randrange(rng.choice((64, 1000, len(data))))] = rng.choice((0, 255, rng.randrange(256)))
        if i % 5 == 0:
            del data[rng.randrange(len(data)) :]
        (music.folder / ("jazz", "rock")[i % 2] / f"mutant {i} x.{suffix}").write_bytes(data)
    said = init(music.folder, song="(.*)")
    assert len(sheet()) > 200 and "Traceback" not in said and "\x00" not in said
    load_tracks("mine")


def test_the_command_says_what_is_wrong_without_a_traceback(music, project):
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
        (music.folder,): "is there already",
        ("nowhere",): "there is no folder nowhere",
        (project / "workflow", "--name", "x"): "holds no music",
        (music.folder, "--name", "../x"): "letters, digits",
        (music.folder, "--name", "x", "--label", "genre"): "fewer than two classes",
        (music.folder, "--name", "x", "--label", "gendre"): "did you mean 'genre'?",
        (music.folder, "--name", "x", "--out", "/proc/nowhere"): "cannot be written to",
        (music.folder, "--name", "x", "--song", "("): "is not a valid regular expression",
        (music.folder / "rock", "--name", "x"): "nothing tells classes",
    }.items():
        done = run(*words)
        assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr, done.stderr
        assert done.stderr.startswith("songwise: ")
    assert not list(project.rglob("x.*"))
