"""Decode any audio file to samples, with the bundled ffmpeg in a sandbox; WAV and FLAC files mostly need none.

The ffmpeg of the imageio-ffmpeg wheel is used rather than one on the PATH, so that figures agree between machines.
"""

import re
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from songwise.audio import sandbox
from songwise.audio.flac import FlacDecoder, parse_flac_header
from songwise.audio.wav import HEADER_BYTES, RATES, SAMPLE_BYTES, WavHeader, parse_wav_header
from songwise.text import clean_text

with warnings.catch_warnings():
    # pydub warns if there is no ffmpeg on the PATH. It only receives samples and WAV files here, and needs none.
    warnings.simplefilter("ignore", RuntimeWarning)
    from pydub import AudioSegment

_MAX_BYTES = 640 << 20  # after decoding: one hour of CD stereo
_TOO_LARGE = f"too large, more than {_MAX_BYTES >> 20} MiB once decoded"
_LIMITS = sandbox.Limits(seconds=60, output=_MAX_BYTES)  # a song decodes in one second
# A few of the hundreds that ffmpeg reads: playlists, scripts, pictures, subtitles and game modules are refused unread.
_CONTAINERS = ("aac", "aiff", "au", "caf", "flac", "matroska", "mov", "mp3", "ogg", "w64", "wav")
_MAX_MESSAGE = 200  # characters
_DURATION = re.compile(rb"Duration: (\d+):(\d+):(\d+\.\d+)")
_ESTIMATED = b"Estimating duration from bitrate"
# Exactly two spaces: the file's tags, which may contain anything, are indented further. So is its language.
_AUDIO = re.compile(rb"^  Stream #0:\d+(?:\[\w+\])?(?:\([\w-]+\))?: Audio: (\w{1,32})((?:(?!: ).)*)$", re.MULTILINE)
_BIT_RATE = re.compile(rb", (\d{1,6}) kb/s")
_VIDEO = re.compile(rb"^  Stream #0:\d+(?:\[\w+\])?(?:\([\w-]+\))?: Video: (\w{1,32})(.*)$", re.MULTILINE)
_PICTURES = (b"(attached pic)", b"(still image)", b"(timed thumbnails)")  # covers, and pictures of chapters
_SPEAKER = re.compile(r"\[[^\]]* @ 0x[0-9a-f]+\] ?")  # contains a memory address, which differs in every run
_MEANINGS = {  # of ffmpeg's messages, the most certain first
    "matches no streams": "the file has no audio stream",
    "Format not on whitelist": f"not an audio format that songwise reads (supported: {', '.join(_CONTAINERS)})",
    "Cannot allocate memory": f"decoding takes more than {_LIMITS.memory >> 20} MiB of memory",
    "no decoder found": "its header names an encoding that ffmpeg does not know",
    "Error opening input: End of file": "its header is truncated",
    "Error opening input: Input/output error": "its header is truncated or damaged",
    "Invalid data found": "not an audio format that ffmpeg knows",
}
_LEVELS = "astats=measure_perchannel=none:measure_overall=Min_level+Max_level+Number_of_NaNs+Number_of_Infs"
_LEVEL = re.compile(rb"(Min level|Max level|Number of NaNs|Number of Infs): (\S+)")
# Times full scale of floating-point samples. No mix is 40 dB above full scale, but integers stored as floats are.
_MAX_LEVEL = 100.0


_FLAC = FlacDecoder()


class UndecodableError(Exception):
    """The file contains no usable audio; the message is the reason in a few words."""


class VideoError(UndecodableError):
    """The file contains moving pictures; the message names their encoding."""


@dataclass(frozen=True)
class Decoded:
    """The samples of a track, and what its container states about them.

    Attributes
    ----------
    segment : AudioSegment
        16-bit PCM at the file's own rate and channels.
    seconds : float
        Length of `segment`.
    declared : float or None
        Length in seconds that the container states. None if it states none.
    codec : str or None
        Name of the encoding in ffmpeg. None if ffmpeg names none.
    bit_rate : int or None
        Bits per second of the stream. None if the container states none.
    """

    segment: AudioSegment
    seconds: float
    declared: float | None
    codec: str | None
    bit_rate: int | None


def decode(path: Path, *, max_seconds: float) -> Decoded:
    """Decode the first audio stream of a file.

    Parameters
    ----------
    path : Path
        Audio file.
    max_seconds : float
        Longest track of interest. One second more is decoded, so that longer tracks can be recognised.

    Returns
    -------
    Decoded
        The samples and what the container states about them.

    Raises
    ------
    UndecodableError
        If there is no audio stream, if nothing can be decoded, or if decoding exceeds a limit.
    VideoError
        If the file also contains moving pictures.
    """
    try:
        # A pipe or a device might never end, and even opening a pipe waits for its other end.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise UndecodableError("not a file but a folder, pipe or device")
        with Path(path).open("rb") as stream:
            head = stream.read(HEADER_BYTES)
    except OSError as error:
        raise UndecodableError(f"the file cannot be read ({error.strerror})") from error
    wav = parse_wav_header(head)
    if wav and wav.is_plain and (decoded := _read_plain(path, wav, max_seconds)):
        return decoded
    if decoded := _decode_flac(path, head, max_seconds):
        return decoded
    return _decode_with_ffmpeg(path, wav, max_seconds)


def _read_plain(path: Path, wav: WavHeader, max_seconds: float) -> Decoded | None:
    # The samples as they are in the file. ffmpeg gives the same, but takes 40 ms to start.
    wanted = int((max_seconds + 1) * wav.rate) * wav.frame
    wanted = min(wanted, wanted if wav.size is None else wav.size, _MAX_BYTES + wav.frame)
    with Path(path).open("rb") as stream:
        stream.seek(wav.start)
        samples = stream.read(wav.whole_frames(wanted))
    samples = samples[: wav.whole_frames(len(samples))]
    if not samples:
        return None
    if len(samples) > _MAX_BYTES:
        raise UndecodableError(_TOO_LARGE)
    declared = None if wav.size is None else wav.size / wav.bytes_per_second
    seconds = len(samples) / wav.bytes_per_second
    return Decoded(_segment(samples, wav), seconds, declared, "pcm_s16le", 8 * wav.bytes_per_second)


def _decode_flac(path: Path, head: bytes, max_seconds: float) -> Decoded | None:
    header = parse_flac_header(head)
    if not header or not header.is_verifiable or header.size > _MAX_BYTES or header.frames > max_seconds * header.rate:
        return None
    samples = _FLAC.decode(path, header)
    if samples is None:
        return None
    segment = AudioSegment(data=samples, sample_width=SAMPLE_BYTES, frame_rate=header.rate, channels=header.channels)
    seconds = header.frames / header.rate
    return Decoded(segment, seconds, seconds, "flac", None)


def _decode_with_ffmpeg(path: Path, wav: WavHeader | None, max_seconds: float) -> Decoded:
    ended = _run_ffmpeg(path, max_seconds, ["-c:a", "pcm_s16le", "-bitexact", "-f", "wav", "pipe:1"])
    if codec := _video_codec(ended.messages):
        raise VideoError(f"its video stream is {codec}, not a cover picture")
    # ffmpeg cannot seek back in a pipe, so the sizes in its header are wrong: count the bytes instead.
    header = parse_wav_header(ended.output[:HEADER_BYTES])
    samples = _samples(ended.output, header) if header else b""
    if not samples:
        raise UndecodableError(_reason(ended))
    if not RATES[0] <= header.rate <= RATES[1]:
        raise UndecodableError(f"its sample rate is {header.rate} Hz, outside of {RATES[0]} to {RATES[1]} Hz")
    seconds = len(samples) / header.bytes_per_second
    if ended.code:
        raise UndecodableError(f"decoding fails after {seconds:.1f} s ({_reason(ended)})")
    codec, bit_rate = _audio_codec(ended.messages)
    if codec and codec.startswith("pcm_f"):
        _check_levels(path, max_seconds)
    # For a truncated WAV file ffmpeg reports the length that is left, not the length that the header states.
    stated = wav.size / wav.bytes_per_second if wav and wav.size and wav.bytes_per_second else None
    declared = stated or _declared_seconds(ended.messages)
    return Decoded(_segment(samples, header), seconds, declared, codec, bit_rate)


def _run_ffmpeg(path: Path, max_seconds: float, output: list[str]) -> sandbox.Ended:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-nostats", "-threads", "1"]
    # Only plain files: a playlist disguised as audio must not make ffmpeg open other files or the network.
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
        raise UndecodableError(f"the decoder was killed by signal {-ended.code}, twice")
    return ended


def _check_levels(path: Path, max_seconds: float) -> None:
    # Converted to 16 bits, such samples become full scale (NaN its negative end) and look like loud music.
    messages = _run_ffmpeg(path, max_seconds, ["-af", _LEVELS, "-f", "null", "pipe:1"]).messages
    levels = {name: float(value) for name, value in _LEVEL.findall(messages)}
    if len(levels) < _LEVELS.count("+") + 1:
        raise UndecodableError("the levels of its samples cannot be measured")
    if levels[b"Number of NaNs"] or levels[b"Number of Infs"]:
        raise UndecodableError("some of its samples are not numbers")
    loudest = max(abs(levels[b"Min level"]), abs(levels[b"Max level"]))
    if not loudest <= _MAX_LEVEL:
        raise UndecodableError(f"its samples reach {loudest:.3g} times full scale")


def _samples(content: bytearray, wav: WavHeader) -> bytes:
    return bytes(memoryview(content)[wav.start : wav.start + wav.whole_frames(len(content) - wav.start)])


def _segment(samples: bytes, wav: WavHeader) -> AudioSegment:
    return AudioSegment(data=samples, sample_width=SAMPLE_BYTES, frame_rate=wav.rate, channels=wav.channels)


def _declared_seconds(messages: bytes) -> float | None:
    duration = _DURATION.search(messages)
    if not duration or _ESTIMATED in messages:
        return None
    hours, minutes, seconds = (float(part) for part in duration.groups())
    return 3600 * hours + 60 * minutes + seconds


def _audio_codec(messages: bytes) -> tuple[str | None, int | None]:
    stream = _AUDIO.search(_about_input(messages))
    if not stream:
        return None, None
    bit_rate = _BIT_RATE.search(stream[2])
    return stream[1].decode(), 1000 * int(bit_rate[1]) if bit_rate else None


def _video_codec(messages: bytes) -> str | None:
    streams = _VIDEO.findall(_about_input(messages))
    return next((codec.decode() for codec, rest in streams if not rest.rstrip().endswith(_PICTURES)), None)


def _about_input(messages: bytes) -> bytes:
    # After the mapping, ffmpeg describes the samples that it writes.
    return messages.partition(b"\nStream mapping:")[0]


def _reason(ended: sandbox.Ended) -> str:
    text = ended.messages.decode("utf-8", "replace")
    for words, meaning in _MEANINGS.items():
        if words in text:
            return meaning
    errors = (_SPEAKER.sub("", line).strip() for line in text.splitlines() if "rror" in line)
    return clean_text(next(errors, "no samples can be decoded"), _MAX_MESSAGE)


def samples_of(segment: AudioSegment) -> tuple[np.ndarray, int]:
    """Return the samples of a clip as features see them: the mean of its channels.

    Parameters
    ----------
    segment : AudioSegment
        16-bit PCM.

    Returns
    -------
    samples : ndarray of float32, shape (n,)
        Within [-1, 1].
    rate : int
        Sample rate in Hz.
    """
    channels = np.frombuffer(segment.raw_data, "<i2").reshape(-1, segment.channels).T
    # The same numbers as `mean(axis=0)`, because the sum is exact, but several times as fast.
    samples = channels[0].astype(np.float32)
    for channel in channels[1:]:
        samples += channel
    samples /= np.float32(len(channels))
    samples /= np.float32(32768)
    return samples, segment.frame_rate
