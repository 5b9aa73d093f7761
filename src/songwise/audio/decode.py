"""Any audio file as samples: decoded by the bundled ffmpeg in a child process with limits; plain WAV is read as it is.

The ffmpeg of the imageio-ffmpeg wheel wins over one on the PATH, so that figures agree between machines.
"""

import re
import stat
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from songwise.audio import sandbox

with warnings.catch_warnings():
    # pydub looks for an ffmpeg on the PATH; it is given samples and WAV files, and needs none.
    warnings.simplefilter("ignore", RuntimeWarning)
    from pydub import AudioSegment

_LARGEST = 640 << 20  # decoded bytes: an hour of CD stereo
_TOO_LARGE = f"too large, more than {_LARGEST >> 20} MiB once decoded"
_LIMITS = sandbox.Limits(seconds=60, output=_LARGEST)  # a song decodes in one second
# Of the hundreds that ffmpeg reads: no playlist, script, picture, subtitle or game's module gets as far as its reader.
_CONTAINERS = ("aac", "aiff", "au", "caf", "flac", "matroska", "mov", "mp3", "ogg", "w64", "wav")
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
_VIDEO = re.compile(rb"^  Stream #0:\d+(?:\[\w+\])?(?:\([\w-]+\))?: Video: (\w{1,32})(.*)$", re.MULTILINE)
_PICTURES = (b"(attached pic)", b"(still image)", b"(timed thumbnails)")  # a cover, and what stands beside chapters
_SPEAKER = re.compile(r"\[[^\]]* @ 0x[0-9a-f]+\] ?")  # with an address in memory, another one each time
_MEANINGS = {  # of what ffmpeg says, the surest first
    "matches no streams": "the file has no audio stream",
    "Format not on whitelist": f"no audio format that is read here (they are {', '.join(_CONTAINERS)})",
    "Cannot allocate memory": f"decoding takes more than {_LIMITS.memory >> 20} MiB of memory",
    "no decoder found": "its header names no encoding that ffmpeg knows",
    "Error opening input: End of file": "its header is cut off",
    "Error opening input: Input/output error": "its header is cut off or broken",
    "Invalid data found": "no audio format that ffmpeg knows",
}
_FLOATS = "astats=measure_perchannel=none:measure_overall=Min_level+Max_level+Number_of_NaNs+Number_of_Infs"
_FLOAT_FACT = re.compile(rb"(Min level|Max level|Number of NaNs|Number of Infs): (\S+)")
_LOUDEST = 100.0  # of a float's full scale: 40 dB above it no mix goes, and integers called floats do


class UndecodableError(Exception):
    """A file that holds no usable audio; the text says why, in a few words."""


class VideoError(UndecodableError):
    """A file whose pictures move; the text says how they are encoded."""


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
    VideoError : there is a moving picture as well.
    """
    try:
        # A pipe or a device might never end, and opening a pipe already waits.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise UndecodableError("a folder, pipe or device, no file")
        wav = _read_header(path)
    except OSError as error:
        raise UndecodableError(f"the file cannot be read ({error.strerror})") from error
    if wav and wav.is_plain and (decoded := _decode_plain(path, wav, max_seconds)):
        return decoded
    ended = _ffmpeg(path, max_seconds, ["-c:a", "pcm_s16le", "-bitexact", "-f", "wav", "pipe:1"])
    if found := _moving_picture(ended.messages):
        raise VideoError(f"its pictures are {found}, and not a cover")
    # ffmpeg cannot seek back in a pipe, so the sizes in its header are not to be trusted: what is there counts.
    given = _parse_header(ended.output[:_WAV_HEAD])
    samples = _samples(ended.output, given) if given else b""
    if not samples:
        raise UndecodableError(_first_words(ended))
    if not _RATES[0] <= given.rate <= _RATES[1]:
        raise UndecodableError(
            f"its sample rate is {given.rate} Hz, which is none of music ({_RATES[0]} to {_RATES[1]})"
        )
    seconds = len(samples) / given.bytes_a_second
    if ended.code:
        raise UndecodableError(f"decoding fails after {seconds:.1f} s ({_first_words(ended)})")
    codec, bit_rate = _stream(ended.messages)
    if codec and codec.startswith("pcm_f"):
        _check_floats(path, max_seconds)
    segment = AudioSegment(data=samples, sample_width=_SAMPLE_BYTES, frame_rate=given.rate, channels=given.channels)
    # Of a WAV file that is cut off ffmpeg tells the length that is left, not the one that the header states.
    stated = wav.size / wav.bytes_a_second if wav and wav.size and wav.bytes_a_second else None
    return Decoded(segment, seconds, stated or _declared(ended.messages), codec, bit_rate)


def _ffmpeg(path: Path, max_seconds: float, output: list[str]) -> sandbox.Ended:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-nostats", "-threads", "1"]
    # Only plain files: a playlist disguised as audio must not make ffmpeg open others or the network.
    command += ["-protocol_whitelist", "file,pipe", "-format_whitelist", ",".join(_CONTAINERS)]
    command += ["-vn", "-sn", "-dn", "-i", f"file:{path}", "-map", "0:a:0", "-t", str(max_seconds + 1), *output]
    ended = sandbox.run(command, limits=_LIMITS)
    if ended.passed == "seconds":
        raise UndecodableError(f"decoding takes more than {_LIMITS.seconds:g} s")
    if ended.passed == "output":
        raise UndecodableError(_TOO_LARGE)
    if ended.passed:
        raise UndecodableError(f"decoding reports more than {_LIMITS.messages >> 20} MiB of errors")
    if ended.was_killed:
        raise UndecodableError(f"decoding was ended by signal {-ended.code}, twice")
    return ended


def _check_floats(path: Path, max_seconds: float) -> None:
    # As 16 bits they would be full scale, negative at that, and pass for loud music.
    found = dict(_FLOAT_FACT.findall(_ffmpeg(path, max_seconds, ["-af", _FLOATS, "-f", "null", "pipe:1"]).messages))
    if len(found) < _FLOATS.count("+") + 1:
        raise UndecodableError("the levels of its samples cannot be measured")
    if float(found[b"Number of NaNs"]) or float(found[b"Number of Infs"]):
        raise UndecodableError("some of its samples are no numbers")
    loudest = max(abs(float(found[b"Min level"])), abs(float(found[b"Max level"])))
    if not loudest <= _LOUDEST:
        raise UndecodableError(f"its samples reach {loudest:.3g} times full scale")


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


def _samples(content: bytearray, wav: _Wav) -> bytes:
    return bytes(memoryview(content)[wav.start : wav.start + _whole_frames(len(content) - wav.start, wav)])


def _whole_frames(count: int, wav: _Wav) -> int:
    return count // wav.frame * wav.frame


def _decode_plain(path: Path, wav: _Wav, max_seconds: float) -> Decoded | None:
    # Samples as they lie in the file: what ffmpeg gives, without the 40 ms that it takes to start.
    most = int((max_seconds + 1) * wav.rate) * wav.frame
    with Path(path).open("rb") as stream:
        stream.seek(wav.start)
        samples = stream.read(
            _whole_frames(min(most, most if wav.size is None else wav.size, _LARGEST + wav.frame), wav)
        )
    samples = samples[: _whole_frames(len(samples), wav)]
    if not samples:
        return None
    if len(samples) > _LARGEST:
        raise UndecodableError(_TOO_LARGE)
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


def _moving_picture(messages: bytes) -> str | None:
    streams = _VIDEO.findall(messages.partition(b"\nStream mapping:")[0])
    return next((codec.decode() for codec, rest in streams if not rest.rstrip().endswith(_PICTURES)), None)


def _first_words(ended: sandbox.Ended) -> str:
    text = ended.messages.decode("utf-8", "replace")
    for sign, meaning in _MEANINGS.items():
        if sign in text:
            return meaning
    lines = [_SPEAKER.sub("", line).strip() for line in text.splitlines() if "rror" in line]
    said = lines[0] if lines else "no samples decode"
    return "".join(letter if letter.isprintable() else "?" for letter in said[:200])


def samples_of(segment: AudioSegment) -> tuple[np.ndarray, int]:
    """A clip as features see it: channels averaged, float32 within [-1, 1], shape (n,), and its rate in Hz."""
    samples = np.frombuffer(segment.raw_data, "<i2").reshape(-1, segment.channels)
    return samples.mean(axis=1, dtype=np.float32) / np.float32(32768), segment.frame_rate


def load_clip(path: Path) -> tuple[np.ndarray, int]:
    """`samples_of` a WAV file of 16 bits."""
    return samples_of(AudioSegment.from_wav(str(path)))
