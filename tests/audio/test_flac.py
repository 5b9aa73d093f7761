"""FLAC files are decoded in a child that may crash or hang: the result is the same, and no file takes long."""

import os
import signal
import subprocess
import time

import imageio_ffmpeg
import numpy as np
import pytest
from helpers.sound import RATE, write_wav

from songwise.audio import decode as decoding
from songwise.audio import flac_reader
from songwise.audio.decode import UndecodableError, decode
from songwise.audio.flac import FlacDecoder, parse_flac_header


@pytest.fixture
def song(tmp_path):
    return flac(tmp_path, "song.flac")


def flac(folder, name, *options, channels=2):
    samples = np.random.default_rng(0).normal(size=(3 * RATE, channels)) * 0.1
    source = write_wav(folder / "source.wav", samples)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", source, *options, folder / name]
    subprocess.run(command, check=True)
    return folder / name


@pytest.fixture
def decoder(monkeypatch):
    decoder = FlacDecoder(few=0)
    monkeypatch.setattr(decoding, "_FLAC", decoder)
    return decoder


def by_ffmpeg(path, monkeypatch):
    with monkeypatch.context() as context:
        context.setattr(decoding, "_FLAC", FlacDecoder(few=1))
        return decode(path, max_seconds=60)


def no_ffmpeg(monkeypatch):
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: "/bin/false")


@pytest.mark.parametrize("channels", [1, 2])
def test_the_samples_and_facts_are_those_of_ffmpeg(tmp_path, decoder, monkeypatch, channels):
    path = flac(tmp_path, "song.flac", channels=channels)
    expected = by_ffmpeg(path, monkeypatch)
    no_ffmpeg(monkeypatch)
    found = decode(path, max_seconds=60)
    assert found.segment.raw_data == expected.segment.raw_data and found.segment.frame_rate == RATE
    assert (found.codec, found.bit_rate, found.seconds) == (expected.codec, expected.bit_rate, expected.seconds)
    assert found.declared == pytest.approx(expected.declared, abs=0.01)


@pytest.mark.parametrize("options", [("-sample_fmt", "s32"), ("-ac", "6")], ids=["24 bits", "6 channels"])
def test_what_cannot_be_verified_is_left_to_ffmpeg(tmp_path, decoder, options):
    path = flac(tmp_path, "other.flac", *options)
    assert not parse_flac_header(path.read_bytes()).is_verifiable
    assert decode(path, max_seconds=60).codec == "flac" and decoder._child is None


@pytest.mark.parametrize("damage", ["flipped", "truncated", "longer", "another MD5", "huge"])
def test_a_damaged_file_has_the_verdict_of_ffmpeg(song, decoder, monkeypatch, damage):
    content = bytearray(song.read_bytes())
    middle = len(content) // 2
    if damage == "flipped":
        content[middle : middle + 40] = bytes(byte ^ 0x55 for byte in content[middle : middle + 40])
    elif damage == "truncated":
        del content[middle:]
    elif damage == "longer":
        content[24:26] = (int.from_bytes(content[24:26], "big") + 5000).to_bytes(2, "big")
    elif damage == "another MD5":
        content[26] ^= 1
    else:
        content[21:26] = bytes([content[21] | 0x0F, 255, 255, 255, 255])
    song.write_bytes(content)

    def verdict(decode_it):
        try:
            found = decode_it()
        except UndecodableError as error:
            return str(error)
        return found.segment.raw_data, found.seconds, found.declared

    assert verdict(lambda: decode(song, max_seconds=60)) == verdict(lambda: by_ffmpeg(song, monkeypatch))


def test_samples_that_are_not_those_of_the_header_are_refused(song, decoder):
    header = parse_flac_header(song.read_bytes())
    assert len(decoder.decode(song, header)) == header.size
    assert decoder.decode(song, header._replace(md5=bytes(range(16)))) is None
    assert decoder.decode(song, header._replace(frames=header.frames + 1)) is None
    assert decoder.decode(song, header._replace(frames=header.frames - 1)) is None
    assert len(decoder.decode(song, header)) == header.size


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=["crashes", "hangs"])
def test_a_child_that_dies_or_hangs_costs_some_time_and_no_file(song, decoder, monkeypatch, end):
    expected = decode(song, max_seconds=60).segment.raw_data
    first = decoder._child
    monkeypatch.setattr(flac_reader, "SECONDS", 0.5)
    header = parse_flac_header(song.read_bytes())
    os.kill(first.pid, end)
    start = time.monotonic()
    assert decode(song, max_seconds=60).segment.raw_data == expected  # by a new child, or by ffmpeg
    assert time.monotonic() - start < 15 and first.poll() == -signal.SIGKILL
    monkeypatch.undo()
    assert len(decoder.decode(song, header)) == header.size and decoder._child.pid != first.pid


def test_a_file_may_not_take_more_memory_than_the_limit(song, decoder):
    decoder.decode(song, parse_flac_header(song.read_bytes()))
    limits = subprocess.run(["cat", f"/proc/{decoder._child.pid}/limits"], capture_output=True, text=True, check=False)
    if limits.returncode:
        pytest.skip("only Linux shows the limits of a process")
    (memory,) = (line for line in limits.stdout.splitlines() if line.startswith("Max address space"))
    (seconds,) = (line for line in limits.stdout.splitlines() if line.startswith("Max cpu time"))
    assert int(memory.split()[3]) == 2 << 30 and int(seconds.split()[3]) <= 40


def test_a_fork_starts_its_own_child(song, decoder):
    header = parse_flac_header(song.read_bytes())
    samples = decoder.decode(song, header)
    reading, writing = os.pipe()
    if not os.fork():
        same = decoder.decode(song, header) == samples
        os.write(writing, b"%d" % decoder._child.pid if same else b"0")
        decoder._kill()
        os._exit(0)
    os.wait()
    assert int(os.read(reading, 20)) not in (0, decoder._child.pid)
    assert decoder.decode(song, header) == samples
