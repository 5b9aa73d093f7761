"""Untrusted files: each takes at most the time limit, and is decoded or has a reason."""

import os
import struct
import subprocess
import time
import zipfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from fuzz import seal
from helpers.clips import DATASET, inspect
from helpers.sound import RATE, encode, tone, write_wav

from songwise.audio import decode as decoding
from songwise.audio import sandbox
from songwise.audio.decode import UndecodableError, decode
from songwise.audio.fingerprint import fingerprint
from songwise.errors import InputError


def wav(path: Path, content: bytes, *, coding=1, channels=1, rate=RATE, bits=16, size=None) -> Path:
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", coding, channels, rate, rate * frame & 0xFFFFFFFF, frame, bits)
    data = struct.pack("<I", len(content) if size is None else size)
    path.write_bytes(
        b"RIFF" + struct.pack("<I", 36 + len(content)) + b"WAVEfmt \x10\0\0\0" + form + b"data" + data + content
    )
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of many kinds that are not music, or claim to be what they are not."""
    folder = tmp_path_factory.mktemp("hostile")
    good = write_wav(folder / "good.wav", tone(3, 440))
    samples = good.read_bytes()[44:]
    floats = tone(3, 440).astype("<f4")

    def ffmpeg(target: str, *options: str) -> Path:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, options), folder / target]
        subprocess.run(command, check=True)
        return folder / target

    pictures = ("-f", "lavfi", "-i", "testsrc=d=3:s=64x64", "-i", good)
    ffmpeg("video.mp4", *pictures)
    ffmpeg("video.webm", *pictures)
    ffmpeg("mute.mp4", "-f", "lavfi", "-i", "testsrc=d=3:s=64x64")
    ffmpeg("picture.png", "-f", "lavfi", "-i", "testsrc=d=1:s=600x600", "-frames:v", "1").rename(folder / "picture.mp3")
    cover = ("-i", good, "-i", folder / "picture.mp3", "-map", "0", "-map", "1", "-disposition:v", "attached_pic")
    for suffix in ("mp3", "m4a", "flac"):
        ffmpeg(f"cover.{suffix}", *cover, "-c:v", "png")
    silence = ("-f", "lavfi", "-i", "anullsrc=r=44100:cl=stereo:n=16384")
    ffmpeg("bomb.flac", *silence, "-t", "1200", "-sample_fmt", "s16", "-compression_level", "0")
    encode(good, folder / "good.mp3")
    lies = bytearray((folder / "good.mp3").read_bytes())
    at = lies.find(b"Info")
    lies[at + 8 : at + 12] = struct.pack(">I", 36_000 * RATE // 576)  # its number of frames
    (folder / "lies.mp3").write_bytes(lies)
    encode(good, folder / "good.ogg", "-c:a", "libvorbis")
    lies = bytearray((folder / "good.ogg").read_bytes())
    at = lies.rfind(b"OggS")
    lies[at + 6 : at + 14] = struct.pack("<q", 36_000 * RATE)  # the last sample's number

    (folder / "lies.ogg").write_bytes(seal(lies))
    encode(good, folder / "good.m4a", "-c:a", "aac")
    (folder / "cut.m4a").write_bytes((folder / "good.m4a").read_bytes()[:9000])
    wav(folder / "huge.wav", samples, size=0x7FFFFFFF)
    wav(folder / "no channels.wav", samples, channels=0)
    wav(folder / "600 channels.wav", samples * 60, channels=600)
    wav(folder / "0 Hz.wav", samples, rate=0)
    wav(folder / "1 Hz.wav", samples, rate=1)
    wav(folder / "10 MHz.wav", samples * 50, rate=10_000_000)
    wav(folder / "unknown.wav", samples, coding=0x7777)
    wav(folder / "hangs libsndfile.wav", b"\0" * 113, rate=0xFFFFFFFF, size=0xFFFFFFFE)
    for name, value in (("nan", np.nan), ("inf", -np.inf), ("integers", 20_000)):
        changed = floats.copy()
        changed[5000] = value
        wav(folder / f"{name}.wav", changed.tobytes(), coding=3, bits=32)
    wav(folder / "1e300.wav", (1e300 * tone(3, 440)).astype("<f8").tobytes(), coding=3, bits=64)
    wav(folder / "float.wav", floats.tobytes(), coding=3, bits=32)
    wav(folder / "double.wav", tone(3, 440).astype("<f8").tobytes(), coding=3, bits=64)
    wav(folder / "8 bits.wav", (128 + 100 * tone(3, 440)).astype("u1").tobytes(), bits=8)
    encode(good, folder / "24 bits.wav", "-c:a", "pcm_s24le")
    encode(good, folder / "a-law.wav", "-c:a", "pcm_alaw")
    encode(good, folder / "good.au")
    for channels in (9, 16):
        write_wav(folder / f"{channels} channels.wav", np.stack([tone(3, 440)] * channels, axis=1))
    text = {
        "text": "this is no audio\n" * 100,
        "page": f"<!DOCTYPE html><html><title>404 Not Found</title>{'<p>no' * 2000}</html>",
        "list": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:3,\n{good}\n#EXT-X-ENDLIST\n",
        "concat": "ffconcat version 1.0\nfile good.wav\n",
        "drawing": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
        "subtitles": "1\n00:00:00,000 --> 00:00:03,000\nla la la\n",
    }
    for name, content in text.items():
        (folder / f"{name}.mp3").write_text(content)
    with zipfile.ZipFile(folder / "archive.mp3", "w") as archive:
        archive.writestr("noise", np.random.default_rng(0).bytes(300_000))
    (folder / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(300_000))
    (folder / "empty.mp3").touch()
    os.mkfifo(folder / "pipe.wav")
    (folder / "device.wav").symlink_to("/dev/zero")
    (folder / "to a pipe.wav").symlink_to("pipe.wav")
    (folder / "to a file.wav").symlink_to("good.wav")
    (folder / "folder.wav").mkdir()
    return folder


NO_FORMAT = "undecodable: not an audio format that"


NO_FILE = "undecodable: not a file but a folder, pipe or device"


REASONS = {
    "good.wav": "", "cover.mp3": "", "cover.m4a": "", "cover.flac": "", "float.wav": "", "double.wav": "",
    "8 bits.wav": "", "24 bits.wav": "", "a-law.wav": "", "good.au": "", "9 channels.wav": "", "16 channels.wav": "",
    "to a file.wav": "",
    "video.mp4": "a video: its video stream is h264",
    "video.webm": "a video: its video stream is vp9",
    "mute.mp4": "a video: ",
    "bomb.flac": "too_long: more than 60 s",
    "lies.mp3": "undecodable: truncated, only 3.0 s of the declared 3599",
    "lies.ogg": "undecodable: truncated, only 3.0 s of the declared 36000.0 s",
    "huge.wav": "undecodable: truncated, only 3.0 s of the declared",
    "cut.m4a": NO_FORMAT,
    "no channels.wav": "undecodable: Error while opening decoder",
    "600 channels.wav": "undecodable: Error while opening decoder",
    "0 Hz.wav": NO_FORMAT,
    "1 Hz.wav": "undecodable: its sample rate is 1 Hz",
    "10 MHz.wav": "undecodable: its sample rate is 10000000 Hz",
    "unknown.wav": "undecodable: its header names an encoding that ffmpeg does not know",
    "hangs libsndfile.wav": "undecodable: ",
    "nan.wav": "undecodable: some of its samples are not numbers",
    "inf.wav": "undecodable: some of its samples are not numbers",
    "integers.wav": "undecodable: its samples reach 2e+04 times full scale",
    "1e300.wav": "undecodable: its samples reach",
    "picture.mp3": NO_FORMAT, "text.mp3": NO_FORMAT, "page.mp3": NO_FORMAT, "list.mp3": NO_FORMAT,
    "concat.mp3": NO_FORMAT, "drawing.mp3": NO_FORMAT, "subtitles.mp3": NO_FORMAT, "archive.mp3": NO_FORMAT,
    "noise.mp3": NO_FORMAT,
    "empty.mp3": "empty: the file has no bytes",
    "pipe.wav": NO_FILE, "device.wav": NO_FILE, "to a pipe.wav": NO_FILE, "folder.wav": NO_FILE,
}  # fmt: skip


def test_each_file_that_is_not_music_has_its_reason(folder, tmp_path):
    start = time.monotonic()
    tracks, _, _ = inspect(tmp_path, {name: folder / name for name in REASONS})
    assert time.monotonic() - start < 2 * len(REASONS)
    reasons = {name: row["reason"] for name, row in tracks.items()}
    assert {
        name: reasons[name][: len(reason)] if reason else reasons[name] for name, reason in REASONS.items()
    } == REASONS
    failed = {name for name, row in tracks.items() if row["status"] == "failed"}
    assert failed == {"bomb.flac"} and " @ 0x" not in str(reasons)  # an address, which differs in every run


def test_a_long_track_costs_no_more_than_the_longest_allowed(folder):
    def cost(limit: float) -> float:
        start = time.monotonic()
        assert decode(folder / "bomb.flac", max_seconds=limit).seconds == limit + 1
        return time.monotonic() - start

    cost(10)
    assert cost(10) < 0.5 * cost(1000)  # the file has 1,200 s


def test_a_file_that_is_too_large_has_that_reason(folder, monkeypatch):
    monkeypatch.setattr(decoding, "_MAX_BYTES", 1 << 16)
    monkeypatch.setattr(decoding, "_LIMITS", sandbox.Limits(seconds=60, output=1 << 16))
    for name in ("good.wav", "good.mp3", "bomb.flac"):
        with pytest.raises(UndecodableError, match="too large, more than"):
            decode(folder / name, max_seconds=1800)


def test_a_decoder_that_hangs_crashes_or_fails_late_gives_no_short_track(folder, tmp_path, monkeypatch):
    ffmpeg, hostile = imageio_ffmpeg.get_ffmpeg_exe(), tmp_path / "hostile"
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(hostile))
    monkeypatch.setattr(decoding, "_LIMITS", sandbox.Limits(seconds=1, messages=1 << 20))

    def reason(script: str) -> str:
        hostile.write_text(f'#!/bin/sh\n{ffmpeg} "$@"\n{script}\n')
        hostile.chmod(0o755)
        with pytest.raises(UndecodableError) as error:
            decode(folder / "good.mp3", max_seconds=60)
        return str(error.value)

    assert reason("while :; do :; done") == "decoding takes more than 1 s"
    assert reason("kill -11 $$") == "the decoder was killed by signal 11, twice"
    assert reason("echo Error: too bad >&2; exit 69") == "decoding fails after 3.0 s (Error: too bad)"
    assert reason("yes >&2") == "decoding reports more than 1 MiB of errors"


def test_music_of_many_channels_has_the_fingerprint_of_their_mean(tmp_path):
    parts = np.random.default_rng(0).normal(size=(6 * RATE, 11)) * 0.1
    many = decode(write_wav(tmp_path / "many.wav", parts), max_seconds=60).segment
    mean = decode(write_wav(tmp_path / "mean.wav", parts.mean(axis=1)), max_seconds=60).segment
    found, expected = fingerprint(many), fingerprint(mean)
    assert len(found) == len(expected) > 20
    assert np.bitwise_count(found ^ expected).mean() < 1  # of 32 bits; 16 of other music


def test_a_file_that_was_deleted_after_it_was_acquired_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.wav: is missing, although it was acquired before; run again with"):
        inspect(tmp_path, {"gone": tmp_path / "gone.wav"}, DATASET)
