"""FLAC files without a start of ffmpeg: libsndfile decodes them in a child process that can be killed.

A FLAC file contains the MD5 of its samples. Samples with this MD5 are right, whatever happened in the child. In any
other case there are none, and ffmpeg decides what the file is.
"""

import hashlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from songwise.audio import flac_reader
from songwise.audio.wav import RATES, SAMPLE_BYTES

_CHUNK = 1 << 20  # bytes
_STREAMINFO = b"fLaC\0\0\0\x22"  # magic, type and size of the first block; the last-block flag is masked
_HEADER_BYTES = 42
_MOST_CHANNELS = 2  # ffmpeg may give more in another order
_FEW = 3  # files of a process that ffmpeg decodes: starting the child takes as long as starting ffmpeg for them


class FlacHeader(NamedTuple):
    """What the first block of a FLAC file states.

    Attributes
    ----------
    rate : int
        Sample rate in Hz.
    channels : int
        Number of channels.
    bits : int
        Bits per sample of one channel.
    frames : int
        Samples per channel; 0 if it does not state them.
    md5 : bytes
        Of all samples; zeros if it does not state it.
    """

    rate: int
    channels: int
    bits: int
    frames: int
    md5: bytes

    @property
    def is_verifiable(self) -> bool:
        """Whether it has 16 bits, at most two channels, and a length and an MD5 to check the samples by."""
        return (
            self.bits == 8 * SAMPLE_BYTES
            and self.channels <= _MOST_CHANNELS
            and RATES[0] <= self.rate <= RATES[1]
            and self.frames > 0
            and any(self.md5)
        )

    @property
    def size(self) -> int:
        """Bytes of all samples."""
        return self.frames * self.channels * SAMPLE_BYTES


def parse_flac_header(head: bytes) -> FlacHeader | None:
    """Return the header at the beginning of a file's content, or None if it is not a FLAC file."""
    if len(head) < _HEADER_BYTES or head[:4] + bytes([head[4] & 127]) + head[5:8] != _STREAMINFO:
        return None
    packed = int.from_bytes(head[18:26], "big")
    rate, channels, bits = packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1
    return FlacHeader(rate, channels, bits, packed & (1 << 36) - 1, head[26:_HEADER_BYTES])


class FlacDecoder:
    """Decodes FLAC files, one after the other, in a child process that lives as long as this object.

    Parameters
    ----------
    few : int, default=3
        So many files are left to ffmpeg before the child is started.
    """

    def __init__(self, few: int = _FEW):
        self._left = few
        self._lock = threading.Lock()
        self._child: subprocess.Popen | None = None
        self._owner = 0

    def decode(self, path: Path, header: FlacHeader) -> bytes | None:
        """Return the samples, or None if they are not those that the header promises.

        Parameters
        ----------
        path : Path
            A FLAC file.
        header : FlacHeader
            Its header, which must be verifiable.

        Returns
        -------
        bytes or None
            16-bit PCM, little-endian, channels interleaved.
        """
        with self._lock:
            if self._left:
                self._left -= 1
                return None
            if self._owner != os.getpid() or self._child.poll() is not None:  # a fork must not share its parent's child
                self._start()
            samples = self._exchange(path, header.size)
            if samples is None:
                self._kill()
        if samples is None or hashlib.md5(samples, usedforsecurity=False).digest() != header.md5:
            return None
        return samples

    def _start(self) -> None:
        self._owner = os.getpid()
        self._child = subprocess.Popen(
            [sys.executable, "-I", flac_reader.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )

    def _kill(self) -> None:
        self._child.kill()
        self._child.wait()
        self._child.stdin.close()
        self._child.stdout.close()

    def _exchange(self, path: Path, size: int) -> bytes | None:
        deadline = time.monotonic() + 3 * flac_reader.SECONDS
        with suppress(BrokenPipeError):
            self._child.stdin.write(json.dumps([str(Path(path).absolute()), size]).encode() + b"\n")
        samples, output = bytearray(), self._child.stdout
        while len(samples) < size:
            if not select.select([output], [], [], max(0.0, deadline - time.monotonic()))[0]:
                return None
            chunk = os.read(output.fileno(), min(_CHUNK, size - len(samples)))
            if not chunk:
                return None
            samples += chunk
        return bytes(samples)
