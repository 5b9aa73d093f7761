"""Descriptors of the shape of each frame's spectrum, several in one pass while the frame is in the cache.

S is the magnitude spectrum, float32, shape (frames, bins); what is returned is float32, shape (frames,) or
(rows, frames).
"""

from functools import cache

import numba
import numpy as np

_TINY = np.finfo(np.float32).tiny
_AMIN = 1e-10  # librosa's floor of powers
_FACTORS = 16  # powers of at least _AMIN whose product is far from the ends of float64
_LANES = 64
_TOP_DB = 80.0
_FAR = np.float32(3e38)  # beyond any magnitude


@numba.njit(cache=True, fastmath=True)
def centroid_bandwidth(S, bin_hz):
    """librosa.feature.spectral_centroid and spectral_bandwidth, in Hz; bin_hz is the distance of two bins."""
    frames, bins = S.shape
    centroid = np.empty(frames, np.float32)
    bandwidth = np.empty(frames, np.float32)
    for t in range(frames):
        row = S[t]
        total = np.float32(0)
        moment = np.float32(0)
        for k in range(bins):
            total += row[k]
            moment += row[k] * np.float32(k)
        length = np.float64(total) if total >= _TINY else 1.0
        centre = moment / length
        spread = np.float32(0)
        centre32 = np.float32(centre)
        for k in range(bins):
            away = np.float32(k) - centre32
            spread += row[k] * away * away
        centroid[t] = centre * bin_hz
        bandwidth[t] = np.sqrt(spread / length) * bin_hz
    return centroid, bandwidth


@numba.njit(cache=True)
def rolloff(S, bin_hz, roll_percent):
    """librosa.feature.spectral_rolloff in Hz: the bin below which lies `roll_percent` of the magnitude.

    Bins are added one by one in single precision as librosa does, since the answer is a whole bin; four frames take
    turns, so that their additions overlap.
    """
    frames, bins = S.shape
    found = np.empty(frames, np.float32)
    sums = np.empty((4, bins), np.float32)
    for first in range(0, frames, 4):
        a, b = S[first], S[min(first + 1, frames - 1)]
        c, d = S[min(first + 2, frames - 1)], S[min(first + 3, frames - 1)]
        one = two = three = four = np.float32(0)
        for k in range(bins):
            one += a[k]
            two += b[k]
            three += c[k]
            four += d[k]
            sums[0, k] = one
            sums[1, k] = two
            sums[2, k] = three
            sums[3, k] = four
        for t in range(first, min(first + 4, frames)):
            row = sums[t - first]
            threshold = np.float32(roll_percent) * row[bins - 1]
            k = 0
            while row[k] < threshold:
                k += 1
            found[t] = k * bin_hz
    return found


@numba.njit(cache=True, fastmath=True)
def flatness(S):
    """librosa.feature.spectral_flatness: geometric over arithmetic mean of the power."""
    frames, bins = S.shape
    found = np.empty(frames, np.float32)
    products = np.empty(_LANES)
    for t in range(frames):
        row = S[t]
        total = 0.0
        logs = 0.0
        # Logarithms of products instead of sums of logarithms; each of _LANES products takes every _LANES-th bin.
        for first in range(0, bins, _LANES * _FACTORS):
            products[:] = 1.0
            for start in range(first, min(first + _LANES * _FACTORS, bins), _LANES):
                group = row[start : start + _LANES]
                for lane in range(len(group)):
                    power = max(np.float64(group[lane] * group[lane]), _AMIN)
                    total += power
                    products[lane] *= power
            for lane in range(_LANES):
                logs += np.log(products[lane])
        found[t] = np.exp(logs / bins) / (total / bins)
    return found


@numba.njit(cache=True, fastmath=True)
def rms(S, n_fft):
    """librosa.feature.rms(S=S)."""
    frames, bins = S.shape
    found = np.empty(frames, np.float32)
    for t in range(frames):
        total = np.float32(0)
        for k in range(bins):
            total += S[t, k] * S[t, k]
        total -= np.float32(0.5) * S[t, 0] * S[t, 0]
        if n_fft % 2 == 0:
            total -= np.float32(0.5) * S[t, bins - 1] * S[t, bins - 1]
        found[t] = np.sqrt(2 * total) / n_fft
    return found


@numba.njit(cache=True, fastmath=True)
def line(S, bin_hz):
    """librosa.feature.poly_features of order 1: slope a Hz and intercept of the line nearest to each frame."""
    frames, bins = S.shape
    found = np.empty((2, frames), np.float32)
    middle = (bins - 1) / 2
    spread = bins * (np.float64(bins) * bins - 1) / 12
    for t in range(frames):
        total = 0.0
        moment = 0.0
        for k in range(bins):
            total += S[t, k]
            moment += S[t, k] * (k - middle)
        slope = moment / spread
        found[0, t] = slope / bin_hz
        found[1, t] = total / bins - slope * middle
    return found


@cache
def contrast_bands(sample_rate: int, n_fft: int, n_bands: int = 6, fmin: float = 200.0) -> np.ndarray:
    """First bin, end, and how many of the largest and smallest bins count, int64, shape (n_bands + 1, 3).

    Raises
    ------
    ValueError : the bands reach beyond half the sample rate.
    """
    edges = np.concatenate([[0.0], fmin * 2.0 ** np.arange(n_bands + 1)])
    if edges[-2] >= sample_rate / 2:
        raise ValueError(f"spectral_contrast needs a sample rate above {2 * edges[-2]:g} Hz")
    hertz = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    found = []
    for band in range(n_bands + 1):
        inside = np.flatnonzero((hertz >= edges[band]) & (hertz <= edges[band + 1]))
        first, end = inside[0], inside[-1] + 1
        if band:
            first -= 1  # librosa lets a band begin one bin early
        if band == n_bands:
            end = len(hertz)
        count = max(int(np.rint(0.02 * (end - first))), 1)
        found.append((first, end if band == n_bands else end - 1, count))
    return np.array(found)


@numba.njit(cache=True, fastmath=True)
def _peaks_and_valleys(S, bands):
    frames = S.shape[0]
    peaks = np.empty((len(bands), frames), np.float32)
    valleys = np.empty((len(bands), frames), np.float32)
    # The smallest values so far in ascending, the largest in descending order.
    smallest = np.empty(S.shape[1], np.float32)
    largest = np.empty(S.shape[1], np.float32)
    for t in range(frames):
        for band in range(len(bands)):
            row = S[t, bands[band, 0] : bands[band, 1]]
            count = min(bands[band, 2], len(row))
            smallest[:count] = _FAR
            largest[:count] = -_FAR
            low = smallest[count - 1]
            high = largest[count - 1]
            for k in range(len(row)):
                value = row[k]
                if value < low:
                    at = count - 1
                    while at > 0 and smallest[at - 1] > value:
                        smallest[at] = smallest[at - 1]
                        at -= 1
                    smallest[at] = value
                    low = smallest[count - 1]
                if value > high:
                    at = count - 1
                    while at > 0 and largest[at - 1] < value:
                        largest[at] = largest[at - 1]
                        at -= 1
                    largest[at] = value
                    high = largest[count - 1]
            valleys[band, t] = smallest[:count].mean()
            peaks[band, t] = largest[:count].mean()
    return peaks, valleys


def contrast(S: np.ndarray, bands: np.ndarray) -> np.ndarray:
    """librosa.feature.spectral_contrast in dB, shape (rows, frames), for the bands of `contrast_bands`."""
    peaks, valleys = _peaks_and_valleys(S, bands)
    return decibels(peaks) - decibels(valleys)


def decibels(power: np.ndarray) -> np.ndarray:
    """librosa.power_to_db: 80 dB below the largest at most; float32, of the same shape."""
    found = np.log(np.maximum(power, np.float32(_AMIN)))
    found *= np.float32(10 / np.log(10))
    return np.maximum(found, found.max() - np.float32(_TOP_DB), out=found)
