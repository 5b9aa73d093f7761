"""How a file was encoded and mastered: not music, but enough for a model to recognise classes by."""

import math
from pathlib import Path

import numpy as np
import scipy.fft

from songwise.audio.decode import AudioSegment, Decoded, samples_of
from songwise.audio.loudness import integrated_loudness

_SECONDS = 30  # from the middle; the whole song would take another third of its decoding time
_FRAME = 4096  # samples
_BLOCK = 32  # frames per transform, so that they stay in the processor's cache
_BAND = 8  # bins per band, 86 Hz at 44,100 Hz, so that a single tone does not count as a band
_ABOVE = 10.0  # dB
_ROUNDING = 2.0**-30 / 12  # power of the error of rounding to 16 bits, relative to a full scale of 1


def encoding_facts(path: Path, decoded: Decoded) -> dict:
    """Return what the audit of shortcuts uses of a track, by the names in `clips.columns.FACTS`.

    Loudness, cutoff and side are of the thirty seconds in the middle.

    Parameters
    ----------
    path : Path
        The audio file. Its size over its length is the bit rate if the container states none.
    decoded : Decoded
        Its samples.

    Returns
    -------
    dict
        Unknown values are None.

        - codec : str, ffmpeg's name of the encoding.
        - bit_rate : int, bits per second.
        - sample_rate : int, Hz.
        - channels : int, number of channels.
        - loudness : float, LUFS (ITU-R BS.1770) of the mean of the channels, from which features are computed.
        - peak : float, dBFS of the whole track.
        - cutoff : int, Hz, from `cutoff`.
        - side : float, share of the first two channels' energy that is in their difference; 0 for mono.
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
    """Return the highest frequency with more energy than rounding to 16 bits leaves.

    Lossy encoders remove the highest frequencies. Above the cutoff, the decoded samples contain only the rounding to
    16 bits. The spectrum is the median over frames of 4,096 samples, because clipped peaks are audible at all
    frequencies. It is taken in bands of 8 bins. A band counts if it is 10 dB above white noise with the power of the
    rounding error.

    Parameters
    ----------
    samples : ndarray of float, shape (n,)
        Decoded from 16 bits, within [-1, 1].
    rate : int
        Sample rate in Hz.

    Returns
    -------
    int or None
        The middle of the highest such band in Hz. None if there is none, or if there is less than one frame.
    """
    count = len(samples) // _FRAME
    if not count:
        return None
    window = np.hanning(_FRAME).astype(np.float32)
    frames = samples[: count * _FRAME].reshape(count, _FRAME)
    power = np.empty((count, _FRAME // 2), np.float32)
    for start in range(0, count, _BLOCK):
        spectrum = scipy.fft.rfft(frames[start : start + _BLOCK] * window, axis=1, overwrite_x=True)
        np.square(np.abs(spectrum[:, 1:]), out=power[start : start + _BLOCK])
    # White noise has exponentially distributed power, whose median is ln 2 of its mean.
    floor = math.log(2) * _ROUNDING * float(np.square(window).sum()) * 10 ** (_ABOVE / 10)
    highest = _highest_above(power.reshape(count, -1, _BAND), np.float32(floor))
    return None if highest is None else round((highest + 0.5) * _BAND * rate / _FRAME)


def _highest_above(power: np.ndarray, floor: np.float32) -> int | None:
    # The last band whose median power is above the floor. Counting decides it without the median, unless exactly half
    # of the values are above.
    above = (power > floor).sum(axis=0, dtype=np.uint16).sum(axis=1)
    half = power.shape[0] * power.shape[2] // 2
    for band in np.flatnonzero(above >= half)[::-1]:
        if above[band] > half or np.median(power[:, band]) > floor:
            return int(band)
    return None


def _side(segment: AudioSegment) -> float | None:
    if segment.channels == 1:
        return 0.0
    pair = np.frombuffer(segment.raw_data, "<i2").reshape(-1, segment.channels)[:, :2].astype(np.float32)
    middle, side = pair[:, 0] + pair[:, 1], pair[:, 0] - pair[:, 1]
    energy = [float(np.dot(part, part)) for part in (middle, side)]
    return round(energy[1] / sum(energy), 4) if sum(energy) else None
