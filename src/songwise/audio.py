"""Any audio file as samples: decoded by the bundled ffmpeg in a child process with limits; plain WAV is read as it is.

The ffmpeg of the imageio-ffmpeg wheel wins over one on the PATH, so that figures agree between machines.
"""

import re
import struct
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np

with warnings.catch_warnings():
    # pydub looks for an ffmpeg on the PATH; it is given samples and WAV files, and needs none.
    warnings.simplefilter("ignore", RuntimeWarning)
    from pydub import AudioSegment

_TIMEOUT = 120.0  # seconds for one track; a song decodes in one
_LARGEST = 640 << 20  # decoded bytes: an hour of CD stereo
_SAMPLE_BYTES = 2
_WAV_HEAD = 1 << 16  # bytes in which the data chunk begins, but for files with much metadata in front
_PCM = 1
_RATES = (1_000, 384_000)  # Hz
_MOST_CHANNELS = 8
_STREAMED = 0xFFFFFF00  # sizes from here on stand for "unknown"
_DURATION = re.compile(rb"Duration: (\d+):(\d+):(\d+\.\d+)")
_GUESSED = b"Estimating duration from bitrate"
# Two spaces and no more: the tags of a file, which may say anything, stand deeper. So may its language, which must not.
_STREAM = re.compile(rb"^  Stream #0:\d+(?:\[\w+\])?(?:\([\w-]+\))?: Audio: (\w{1,32})((?:(?!: ).)*)$", re.MULTILINE)
_BIT_RATE = re.compile(rb", (\d{1,6}) kb/s")


class UndecodableError(Exception):
    """A file that holds no usable audio; the text says why, in a few words."""


@dataclass(frozen=True)
class Decoded:
    """A track's samples and what its container says of them.

    Attributes
    ----------
    segment : 16-bit PCM at the file's own rate and channels.
    seconds : length of `segment`.
    declared : length that the container states, or None where it states none.
    codec : ffmpeg's name for it, or None where it gives none.
    bit_rate : of the stream, bits a second, or None where the container states none.
    """

    segment: AudioSegment
    seconds: float
    declared: float | None
    codec: str | None
    bit_rate: int | None


def decode(path: Path, *, max_seconds: float) -> Decoded:
    """Decode the first audio stream of a file: at most `max_seconds` and one more, so that longer ones show.

    Raises
    ------
    UndecodableError : no audio stream, nothing decodes, or a limit is passed.
    """
    try:
        wav = _read_header(path)
    except OSError as error:
        raise UndecodableError(f"the file cannot be read ({error.strerror})") from error
    if wav and wav.is_plain and (decoded := _decode_plain(path, wav, max_seconds)):
        return decoded
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-nostats", "-threads", "1"]
    # Only plain files: a playlist disguised as audio must not make ffmpeg open others or the network.
    command += ["-protocol_whitelist", "file,pipe", "-i", f"file:{path}", "-map", "0:a:0"]
    command += ["-t", str(max_seconds + 1), "-fs", str(_LARGEST)]
    command += ["-c:a", "pcm_s16le", "-bitexact", "-f", "wav", "pipe:1"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise UndecodableError(f"decoding took more than {_TIMEOUT:.0f} s") from error
    # ffmpeg cannot seek back in a pipe, so the sizes in its header are not to be trusted: what is there counts.
    given = _parse_header(done.stdout)
    samples = _whole_frames(done.stdout[given.start :], given) if given else b""
    if not samples:
        raise UndecodableError(_last_words(done.stderr))
    segment = AudioSegment(data=samples, sample_width=_SAMPLE_BYTES, frame_rate=given.rate, channels=given.channels)
    seconds = len(samples) / given.bytes_a_second
    # Of a WAV file that is cut off ffmpeg tells the length that is left, not the one that the header states.
    stated = wav.size / wav.bytes_a_second if wav and wav.size and wav.bytes_a_second else None
    return Decoded(segment, seconds, stated or _declared(done.stderr), *_stream(done.stderr))


@dataclass(frozen=True)
class _Wav:
    """What the header of a WAV file says: of the samples, where they begin and how many bytes (None: unknown)."""

    coding: int
    channels: int
    rate: int
    bytes_a_second: int
    frame: int
    bits: int
    start: int
    size: int | None

    @property
    def is_plain(self) -> bool:
        return (
            (self.coding, self.bits, self.frame) == (_PCM, 8 * _SAMPLE_BYTES, _SAMPLE_BYTES * self.channels)
            and 1 <= self.channels <= _MOST_CHANNELS
            and _RATES[0] <= self.rate <= _RATES[1]
            and self.bytes_a_second == self.rate * self.frame
        )


def _read_header(path: Path) -> _Wav | None:
    with Path(path).open("rb") as stream:
        return _parse_header(stream.read(_WAV_HEAD))


def _parse_header(head: bytes) -> _Wav | None:
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    at, form = 12, None
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        at += 8
        if name == b"fmt " and at + 16 <= len(head):
            form = struct.unpack_from("<HHIIHH", head, at)
        if name == b"data":
            streamed = size >= _STREAMED  # written into a pipe, whose length nobody knew
            return _Wav(*form, start=at, size=None if streamed else size) if form else None
        at += size + size % 2
    return None


def _whole_frames(samples: bytes, wav: _Wav) -> bytes:
    return samples[: len(samples) // wav.frame * wav.frame]


def _decode_plain(path: Path, wav: _Wav, max_seconds: float) -> Decoded | None:
    # Samples as they lie in the file: what ffmpeg gives, without the 40 ms that it takes to start.
    most = min(int((max_seconds + 1) * wav.rate) * wav.frame, _LARGEST)
    with Path(path).open("rb") as stream:
        stream.seek(wav.start)
        samples = _whole_frames(stream.read(most if wav.size is None else min(most, wav.size)), wav)
    if not samples:
        return None
    segment = AudioSegment(data=samples, sample_width=_SAMPLE_BYTES, frame_rate=wav.rate, channels=wav.channels)
    declared = None if wav.size is None else wav.size / wav.bytes_a_second
    return Decoded(segment, len(samples) / wav.bytes_a_second, declared, "pcm_s16le", 8 * wav.bytes_a_second)


def _declared(stderr: bytes) -> float | None:
    found = _DURATION.search(stderr)
    if not found or _GUESSED in stderr:
        return None
    hours, minutes, seconds = (float(part) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds


def _stream(stderr: bytes) -> tuple[str | None, int | None]:
    # What follows the mapping is of the samples that ffmpeg writes.
    found = _STREAM.search(stderr.partition(b"\nStream mapping:")[0])
    if not found:
        return None, None
    bit_rate = _BIT_RATE.search(found[2])
    return found[1].decode(), 1000 * int(bit_rate[1]) if bit_rate else None


def _last_words(stderr: bytes) -> str:
    text = stderr.decode("utf-8", "replace")
    if "matches no streams" in text:
        return "the file has no audio stream"
    if "Invalid data found" in text:
        return "no audio format that ffmpeg knows"
    lines = [line.strip() for line in text.splitlines() if "rror" in line]
    return (lines[-1] if lines else "no samples decode")[:200]


def samples_of(segment: AudioSegment) -> tuple[np.ndarray, int]:
    """A clip as features see it: channels averaged, float32 within [-1, 1], shape (n,), and its rate in Hz."""
    samples = np.frombuffer(segment.raw_data, "<i2").reshape(-1, segment.channels)
    return samples.mean(axis=1, dtype=np.float32) / np.float32(32768), segment.frame_rate


def load_clip(path: Path) -> tuple[np.ndarray, int]:
    """`samples_of` a WAV file of 16 bits."""
    return samples_of(AudioSegment.from_wav(str(path)))
