"""Properties of the data that make results unreliable are reported."""

import shutil
import struct

from helpers.library import init, line_with
from helpers.sound import encode


def test_unusual_files_and_lengths_and_properties_that_identify_a_class_are_reported(music, sounds, project):
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
    report = init(music.folder, song="(.*)")
    assert "Hip-Hop / hip hop" in line_with("differ only in spelling", report)
    assert "format 62 %" in line_with("without the music", report)
    assert "wave/a.wav" in line_with("shorter than 5 s", report)
    assert "wave/b.wav" in line_with("shorter than a clip of 10 s", report)
    assert "hip hop/long.wav" in line_with("longer than 1800 s", report)
    assert "Hip-Hop/ruined.flac" in line_with("unreadable tags", report)
    assert "hip hop/really flac.mp3 (flac)" in line_with("the suffix of another format", report)


def test_unequal_classes_and_classes_with_a_single_artist_are_reported(music, project):
    music.classes("few", artist="Only One", album="Only")
    for i in range(51):
        music(f"many/{chr(0x3041 + i)}.mp3", artist=f"A{i}", title=f"{chr(0x4E00 + i)}", album="x")
    report = init(music.folder)
    assert "many has 51 songs, few has 5" in line_with("very different size", report)
    assert line_with("single artist", report).endswith(": few") and line_with("single album", report).endswith(
        ": few, many"
    )
