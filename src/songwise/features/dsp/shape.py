"""Descriptors of the shape of each frame's spectrum, several in one pass while the frame is in the cache."""

from functools import cache

import numba
import numpy as np

_TINY = np.finfo(np.float32).tiny
_AMIN = 1e-10  # librosa's floor of powers
_FACTORS = 16  # powers of at least _AMIN whose product is far from the ends of float64
_LANES = 64
_TOP_DB = 80.0
_FAR = np.float32(3e38)  # beyond any magnitude
# librosa.feature.spectral_contrast's defaults.
_LOWEST_BAND, _OCTAVES, _QUANTILE = 200.0, 6, 0.02  # Hz, number, share of a band's bins


@numba.njit(cache=True, fastmath=True)
def centroid_bandwidth(S: np.ndarray, bin_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Compute librosa.feature.spectral_centroid and librosa.feature.spectral_bandwidth.

    Parameters
    ----------
    S : ndarray of float32, shape (frames, bins)
        Magnitude spectrum.
    bin_hz : float
        Distance of two bins in Hz.

    Returns
    -------
    centroid : ndarray of float32, shape (frames,)
        Centre of the magnitudes in Hz.
    bandwidth : ndarray of float32, shape (frames,)
        Deviation from the centroid in Hz.
    """
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
def rolloff(S: np.ndarray, bin_hz: float, share: float) -> np.ndarray:
    """Find the frequency below which a share of the magnitude is: librosa.feature.spectral_rolloff.

    Bins are added one by one in single precision as in librosa, because the result is a whole bin. Four frames take
    turns, so that their additions overlap.

    Parameters
    ----------
    S : ndarray of float32, shape (frames, bins)
        Magnitude spectrum.
    bin_hz : float
        Distance of two bins in Hz.
    share : float
        Share of the magnitude, between 0 and 1.

    Returns
    -------
    ndarray of float32, shape (frames,)
        Frequency in Hz.
    """
    frames, bins = S.shape
    hertz = np.empty(frames, np.float32)
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
            threshold = np.float32(share) * row[bins - 1]
            k = 0
            while row[k] < threshold:
                k += 1
            hertz[t] = k * bin_hz
    return hertz


@numba.njit(cache=True, fastmath=True)
def flatness(S: np.ndarray) -> np.ndarray:
    """Compute the geometric over the arithmetic mean of the power: librosa.feature.spectral_flatness.

    Parameters
    ----------
    S : ndarray of float32, shape (frames, bins)
        Magnitude spectrum.

    Returns
    -------
    ndarray of float32, shape (frames,)
        Between 0 (a tone) and 1 (white noise).
    """
    frames, bins = S.shape
    ratios = np.empty(frames, np.float32)
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
        ratios[t] = np.exp(logs / bins) / (total / bins)
    return ratios


@numba.njit(cache=True, fastmath=True)
def rms(S: np.ndarray, n_fft: int) -> np.ndarray:
    """Compute the root of the mean square from a spectrum: librosa.feature.rms(S=S).

    Parameters
    ----------
    S : ndarray of float32, shape (frames, bins)
        Magnitude spectrum.
    n_fft : int
        Samples per frame.

    Returns
    -------
    ndarray of float32, shape (frames,)
        In the unit of the samples.
    """
    frames, bins = S.shape
    levels = np.empty(frames, np.float32)
    for t in range(frames):
        total = np.float32(0)
        for k in range(bins):
            total += S[t, k] * S[t, k]
        total -= np.float32(0.5) * S[t, 0] * S[t, 0]
        if n_fft % 2 == 0:
            total -= np.float32(0.5) * S[t, bins - 1] * S[t, bins - 1]
        levels[t] = np.sqrt(2 * total) / n_fft
    return levels


@numba.njit(cache=True, fastmath=True)
def fit_lines(S: np.ndarray, bin_hz: float) -> np.ndarray:
    """Fit a straight line to each frame: librosa.feature.poly_features of order 1.

    Parameters
    ----------
    S : ndarray of float32, shape (frames, bins)
        Magnitude spectrum.
    bin_hz : float
        Distance of two bins in Hz.

    Returns
    -------
    ndarray of float32, shape (2, frames)
        Slope per Hz, and intercept.
    """
    frames, bins = S.shape
    lines = np.empty((2, frames), np.float32)
    middle = (bins - 1) / 2
    spread = bins * (np.float64(bins) * bins - 1) / 12
    for t in range(frames):
        total = 0.0
        moment = 0.0
        for k in range(bins):
            total += S[t, k]
            moment += S[t, k] * (k - middle)
        slope = moment / spread
        lines[0, t] = slope / bin_hz
        lines[1, t] = total / bins - slope * middle
    return lines


@cache
def contrast_bands(sample_rate: int, n_fft: int) -> np.ndarray:
    """Find the bins of librosa.feature.spectral_contrast's seven octave bands.

    Parameters
    ----------
    sample_rate : int
        Sample rate in Hz.
    n_fft : int
        Samples per frame.

    Returns
    -------
    ndarray of int64, shape (7, 3)
        Per band: first bin, end, and how many of the largest and of the smallest bins count. Shared by all callers: do
        not write to it.

    Raises
    ------
    ValueError
        If the bands reach beyond half the sample rate.
    """
    edges = np.concatenate([[0.0], _LOWEST_BAND * 2.0 ** np.arange(_OCTAVES + 1)])
    if edges[-2] >= sample_rate / 2:
        raise ValueError(f"spectral_contrast needs a sample rate above {2 * edges[-2]:g} Hz")
    hertz = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    bands = []
    for band in range(_OCTAVES + 1):
        inside = np.flatnonzero((hertz >= edges[band]) & (hertz <= edges[band + 1]))
        first, end = inside[0], inside[-1] + 1
        if band:
            first -= 1  # librosa lets a band begin one bin early
        if band == _OCTAVES:
            end = len(hertz)
        count = max(int(np.rint(_QUANTILE * (end - first))), 1)
        bands.append((first, end if band == _OCTAVES else end - 1, count))
    return np.array(bands)


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
    """Compute peaks over valleys per octave band: librosa.feature.spectral_contrast (Jiang et al., 2002).

    Parameters
    ----------
    S : ndarray of float32, shape (frames, bins)
        Magnitude spectrum.
    bands : ndarray of int64, shape (7, 3)
        What `contrast_bands` returned.

    Returns
    -------
    ndarray of float32, shape (7, frames)
        In dB.
    """
    peaks, valleys = _peaks_and_valleys(S, bands)
    return decibels(peaks) - decibels(valleys)


def decibels(power: np.ndarray) -> np.ndarray:
    """Convert power to dB: librosa.power_to_db.

    Parameters
    ----------
    power : ndarray of float32
        Power, of any shape.

    Returns
    -------
    ndarray of float32, of the same shape
        In dB, at most 80 dB below the largest value.
    """
    scaled = np.log(np.maximum(power, np.float32(_AMIN)))
    scaled *= np.float32(10 / np.log(10))
    return np.maximum(scaled, scaled.max() - np.float32(_TOP_DB), out=scaled)
