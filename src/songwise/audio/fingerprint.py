"""Acoustic fingerprints: what does not change when a track's format, sample rate or level changes.

They are Chromaprint's (https://acoustid.org/chromaprint), computed by the bundled ffmpeg: 32 bits per 0.1238 s of
music. Each bit compares the chroma around that moment. Two encodings of one recording differ in few bits.
"""

import imageio_ffmpeg
import numpy as np

from songwise.audio import sandbox
from songwise.audio.decode import AudioSegment, UndecodableError
from songwise.text import clean_text

RATE = 11_025  # Hz, Chromaprint's own
HOP_SECONDS = 1365 / RATE  # between two items
_LIMITS = sandbox.Limits(seconds=60)  # per track, as for decoding; four minutes of music take 0.2
_SHORTEST = 2.7  # seconds; one item spans 2.72
_MAX_CHANNELS = 8  # ffmpeg does not know the positions of more channels
_MAX_MESSAGE = 200  # characters


def fingerprint(segment: AudioSegment) -> np.ndarray:
    """Return the Chromaprint items of a track.

    Parameters
    ----------
    segment : AudioSegment
        16-bit PCM.

    Returns
    -------
    ndarray of uint32, shape (n,)
        One item per `HOP_SECONDS`. Empty if the track is shorter than the 2.7 s that one item spans.

    Raises
    ------
    UndecodableError
        If ffmpeg fails or takes too long.
    """
    if segment.frame_count() < _SHORTEST * segment.frame_rate:
        return np.empty(0, "=u4")
    samples, channels = segment.raw_data, segment.channels
    if channels > _MAX_CHANNELS:
        mean = np.frombuffer(samples, "<i2").reshape(-1, channels).mean(axis=1, dtype=np.float32)
        samples, channels = mean.round().astype("<i2").tobytes(), 1
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-threads", "1"]
    command += ["-f", "s16le", "-ar", str(segment.frame_rate), "-ac", str(channels), "-i", "pipe:0"]
    command += ["-ac", "1", "-ar", str(RATE), "-f", "chromaprint", "-algorithm", "1", "-fp_format", "raw", "pipe:1"]
    ended = sandbox.run(command, limits=_LIMITS, given=samples)
    if ended.passed:
        raise UndecodableError(f"computing its fingerprint exceeds the limit of {ended.passed}")
    if ended.code:
        message = clean_text(ended.messages.decode("utf-8", "replace"))[-_MAX_MESSAGE:]
        raise UndecodableError(f"computing its fingerprint failed (exit code {ended.code}: {message})")
    return np.frombuffer(ended.output, "=u4")  # in the machine's own byte order
