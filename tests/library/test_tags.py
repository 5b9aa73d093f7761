"""Tags of every format are read, and a malicious file costs at most the time limit."""

import os
import random
import time

import psutil
from helpers.library import FORMATS, init, line_with, sheet
from helpers.sound import encode
from helpers.tracks import load_tracks

from songwise.library.tags import read_tags


def test_tags_of_every_format_are_read_and_name_the_same_song(sounds, music, project):
    for suffix in FORMATS:
        target = music.folder / "pop" / f"{suffix}.{suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        words = {"artist": "The Ünes", "album": "First", "title": "Help!" if suffix in "mp3 wav" else "help (Live)"}
        metadata = [word for key, value in words.items() for word in ("-metadata", f"{key}={value}")]
        encode(sounds[suffix], target, "-c", "copy", *metadata)
    music.classes("pop", "rock")
    report = init(music.folder)
    rows = [row for row in sheet() if row["artist"]]
    assert len(rows) == len(FORMATS)
    assert {(row["song"], row["artist"], row["album"]) for row in rows} == {("unes - help", "The Ünes", "First")}
    assert "6 files of 1 song" in line_with("versions of one song", report)


def test_a_file_that_makes_the_reader_loop_costs_the_time_limit(music, project, tmp_path):
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

    read, before = [], set(psutil.Process().children())

    def step():
        read.append(None)
        if len(read) == 10:  # all but the one that never ends
            for child in set(psutil.Process().children()) - before:
                child.kill()

    tags = read_tags([*sorted(music.folder.rglob("song*")), loop], limit=60, step=step)
    assert tags[-1].problem == "crashes the tag reader" and not any(one.problem for one in tags[:-1])
    assert set(psutil.Process().children()) <= before


def test_damaged_files_never_stop_init(sounds, music, project):
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
    report = init(music.folder, song="(.*)")
    assert len(sheet()) > 200 and "Traceback" not in report and "\x00" not in report
    load_tracks("mine")
