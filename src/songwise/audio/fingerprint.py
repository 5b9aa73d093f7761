"""Acoustic fingerprints: what is left of a track when its format, rate and level are taken away.

They are Chromaprint's (https://acoustid.org/chromaprint), made by the bundled ffmpeg: 32 bits for each 0.1238 s of
music, each bit a comparison of the chroma around that moment. Two encodings of one recording differ in few of them.
"""

import imageio_ffmpeg
import numpy as np

from songwise.audio import sandbox
from songwise.audio.decode import AudioSegment, UndecodableError

RATE = 11_025  # Hz, Chromaprint's own
HOP_SECONDS = 1365 / RATE  # between two items
_LIMITS = sandbox.Limits(seconds=60)  # for one track, as for its decoding; four minutes of music take 0.2
_SHORTEST = 2.7  # seconds; one item spans 2.72
_MOST_CHANNELS = 8  # of more it is not known where they are to be heard


def fingerprint(segment: AudioSegment) -> np.ndarray:
    """Items of a track's samples: uint32, shape (n,); none where it is shorter than the 2.7 s that one item spans.

    Raises
    ------
    UndecodableError : ffmpeg gives none, or takes too long.
    """
    if segment.frame_count() < _SHORTEST * segment.frame_rate:
        return np.empty(0, "=u4")
    samples, channels = segment.raw_data, segment.channels
    if channels > _MOST_CHANNELS:
        mean = np.frombuffer(samples, "<i2").reshape(-1, channels).mean(axis=1, dtype=np.float32)
        samples, channels = mean.round().astype("<i2").tobytes(), 1
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-threads", "1"]
    command += ["-f", "s16le", "-ar", str(segment.frame_rate), "-ac", str(channels), "-i", "pipe:0"]
    command += ["-ac", "1", "-ar", str(RATE), "-f", "chromaprint", "-algorithm", "1", "-fp_format", "raw", "pipe:1"]
    ended = sandbox.run(command, limits=_LIMITS, given=samples)
    if ended.passed:
        raise UndecodableError(f"its fingerprint takes more than the limit of {ended.passed}")
    if ended.code:
        said = ended.messages.decode("utf-8", "replace").strip()[-200:]
        raise UndecodableError(f"its fingerprint failed (exit code {ended.code}: {said})")
    return np.frombuffer(ended.output, "=u4")  # in the machine's own byte order
