"""How a file was encoded and mastered: facts that are no music, and by which a model may tell classes all the same."""

import math
from pathlib import Path

import numpy as np

from songwise.audio.decode import AudioSegment, Decoded, samples_of
from songwise.audio.loudness import integrated_loudness

_SECONDS = 30  # in the middle; the whole of a song would cost a third of its decoding once more
_FRAME = 4096  # samples
_BAND = 8  # bins whose levels are taken together, 86 Hz at 44,100 Hz, so that a single tone is no band
_ABOVE = 10.0  # dB
_ROUNDING = 2.0**-30 / 12  # power of the error of rounding to 16 bits, of a full scale of 1


def container_facts(path: Path, decoded: Decoded) -> dict:
    """What the audit of shortcuts knows of a track, by FACTS; None for what cannot be told.

    Loudness, cutoff and side are of the thirty seconds in the middle.

    Parameters
    ----------
    path : the file, whose size over its length is its bit rate where the container states none.
    decoded : of it.

    Returns
    -------
    codec : as ffmpeg calls it.
    bit_rate : bits a second.
    sample_rate : Hz.
    channels : their number.
    loudness : LUFS (BS.1770) of the channels' mean, which is what features are computed of.
    peak : dBFS, of the whole track.
    cutoff : Hz, as `cutoff` has it.
    side : share of the energy of the first two channels that is in their difference; 0 of one channel.
    """
    segment = decoded.segment
    milliseconds, excerpt = len(segment), segment
    if milliseconds > 1000 * _SECONDS:
        start = (milliseconds - 1000 * _SECONDS) // 2
        excerpt = segment[start : start + 1000 * _SECONDS]
    samples, rate = samples_of(excerpt)
    loudness = integrated_loudness(samples, rate) if samples.any() else -math.inf
    return {
        "codec": decoded.codec,
        "bit_rate": decoded.bit_rate or round(8 * path.stat().st_size / decoded.seconds),
        "sample_rate": rate,
        "channels": segment.channels,
        "loudness": round(loudness, 2) if math.isfinite(loudness) else None,
        "peak": round(segment.max_dBFS, 2),
        "cutoff": cutoff(samples, rate),
        "side": _side(excerpt),
    }


def cutoff(samples: np.ndarray, rate: int) -> int | None:
    """The highest frequency, in Hz, that holds more than what rounding to 16 bits leaves there.

    Encoders cut the high end: what they give back holds nothing there, and is then rounded to 16 bits. The spectrum is
    the median over frames of 4,096 samples, so that clipped peaks, which ring through all frequencies, do not count,
    taken in bands of 8 bins. A band holds something if it lies 10 dB above white noise of the rounding error's power.

    Parameters
    ----------
    samples : float of 16 bits, shape (n,), within [-1, 1].
    rate : Hz.

    Returns
    -------
    The middle of the highest such band; None if there is none, or not one frame.
    """
    count = len(samples) // _FRAME
    if not count:
        return None
    window = np.hanning(_FRAME).astype(np.float32)
    spectra = np.abs(np.fft.rfft(samples[: count * _FRAME].reshape(count, _FRAME) * window))[:, 1:]
    power = np.median(np.square(spectra).reshape(count, -1, _BAND), axis=(0, 2))
    # The median of white noise's power, which is exponentially distributed, is ln 2 of its mean.
    floor = math.log(2) * _ROUNDING * float(np.square(window).sum())
    holding = np.flatnonzero(power > floor * 10 ** (_ABOVE / 10))
    return round((holding[-1] + 0.5) * _BAND * rate / _FRAME) if len(holding) else None


def _side(segment: AudioSegment) -> float | None:
    if segment.channels == 1:
        return 0.0
    pair = np.frombuffer(segment.raw_data, "<i2").reshape(-1, segment.channels)[:, :2].astype(np.float32)
    middle, side = pair[:, 0] + pair[:, 1], pair[:, 0] - pair[:, 1]
    energy = [float(np.dot(part, part)) for part in (middle, side)]
    return round(energy[1] / sum(energy), 4) if sum(energy) else None
