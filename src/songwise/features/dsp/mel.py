"""Mel bands, cepstral coefficients and their deltas: librosa.feature.melspectrogram, mfcc and delta."""

import math
from functools import cache

import numpy as np
import scipy.fft

_GROUP = 16  # filters per matrix product: few, because distant filters share no bins
DELTA_WIDTH = 9  # frames, librosa's default

# Slaney's mel scale (Auditory Toolbox, 1998): linear up to 1 kHz, logarithmic above.
_HERTZ_PER_MEL = 200.0 / 3
_KNEE_HERTZ = 1000.0
_KNEE_MEL = _KNEE_HERTZ / _HERTZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def hertz_to_mel(hertz: float) -> float:
    """Return a frequency on Slaney's mel scale: librosa.hz_to_mel.

    Parameters
    ----------
    hertz : float
        Frequency in Hz, 0 or more.

    Returns
    -------
    float
        The frequency in mel.
    """
    if hertz < _KNEE_HERTZ:
        return hertz / _HERTZ_PER_MEL
    return _KNEE_MEL + np.log(hertz / _KNEE_HERTZ) / _LOG_STEP


def mel_to_hertz(mels: np.ndarray) -> np.ndarray:
    """Return frequencies from Slaney's mel scale in Hz: librosa.mel_to_hz.

    Parameters
    ----------
    mels : ndarray of float, shape (n,)
        Frequencies in mel, 0 or more.

    Returns
    -------
    ndarray of float, shape (n,)
        The frequencies in Hz.
    """
    hertz = _HERTZ_PER_MEL * mels
    above = mels >= _KNEE_MEL
    hertz[above] = _KNEE_HERTZ * np.exp(_LOG_STEP * (mels[above] - _KNEE_MEL))
    return hertz


def mel_filters(sample_rate: int, n_fft: int, n: int) -> np.ndarray:
    """Compute triangular filters of equal area in Hz: librosa.filters.mel.

    Parameters
    ----------
    sample_rate : int
        Sample rate in Hz.
    n_fft : int
        Samples per frame of the spectrum.
    n : int
        Number of bands between 0 Hz and half the sample rate.

    Returns
    -------
    ndarray of float32, shape (n, 1 + n_fft // 2)
        The weight of each bin in each band.
    """
    bins = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    edges = mel_to_hertz(np.linspace(0.0, hertz_to_mel(sample_rate / 2), n + 2))
    widths = np.diff(edges)
    distances = edges[:, np.newaxis] - bins
    rising = -distances[:-2] / widths[:-1, np.newaxis]
    falling = distances[2:] / widths[1:, np.newaxis]
    filters = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    filters *= (2.0 / (edges[2:] - edges[:-2]))[:, np.newaxis]
    return filters


@cache
def _filter_groups(sample_rate: int, n_fft: int, n: int) -> list[tuple[int, int, np.ndarray]]:
    # Groups of neighbouring filters: first and last bin that any of them reaches, and their weights, (bins, filters).
    filters = mel_filters(sample_rate, n_fft, n)
    groups = []
    for first in range(0, n, _GROUP):
        group = filters[first : first + _GROUP]
        inside = np.flatnonzero(group.any(axis=0))
        start, stop = (inside[0], inside[-1] + 1) if len(inside) else (0, 1)
        groups.append((start, stop, np.ascontiguousarray(group[:, start:stop].T)))
    return groups


def mel_bands(power: np.ndarray, sample_rate: int, n_fft: int, n: int) -> np.ndarray:
    """Compute the power in mel bands: librosa.feature.melspectrogram, transposed.

    Parameters
    ----------
    power : ndarray of float32, shape (frames, bins)
        Power spectrum.
    sample_rate : int
        Sample rate in Hz.
    n_fft : int
        Samples per frame.
    n : int
        Number of bands.

    Returns
    -------
    ndarray of float32, shape (frames, n)
        Power per frame and band.
    """
    bands = np.empty((len(power), n), np.float32)
    for index, (start, stop, weights) in enumerate(_filter_groups(sample_rate, n_fft, n)):
        bands[:, index * _GROUP : (index + 1) * _GROUP] = power[:, start:stop] @ weights
    return bands


@cache
def _cosines(bands: int, n: int) -> np.ndarray:
    return scipy.fft.dct(np.eye(bands), axis=0, type=2, norm="ortho")[:n].T.astype(np.float32)


def mfcc(mel_db: np.ndarray, n: int) -> np.ndarray:
    """Compute the first cepstral coefficients: librosa.feature.mfcc.

    Parameters
    ----------
    mel_db : ndarray of float32, shape (frames, bands)
        Power in mel bands, in dB.
    n : int
        Number of coefficients, at most the number of bands.

    Returns
    -------
    ndarray of float32, shape (n, frames)
        One row per coefficient.
    """
    bands = mel_db.shape[1]
    coefficients = np.ascontiguousarray((mel_db @ _cosines(bands, n)).T)
    # On some processors the product of equal frames depends on their place in the matrix. Rows that vary by no more
    # than such rounding, as in digital silence, are made constant: rounding errors must not have a kurtosis.
    flat = np.ptp(coefficients, axis=1) <= np.finfo(np.float32).eps * bands * np.abs(mel_db).max()
    coefficients[flat] = coefficients[flat, :1]
    return coefficients


@cache
def _slope_weights(order: int) -> np.ndarray:
    # The derivative of `order` of the polynomial of this degree nearest to nine frames: the same at each of them.
    # scipy.signal.savgol_filter computes it at the ends in the same way, and costs half a second to import.
    leading = np.polyfit(np.arange(DELTA_WIDTH), np.eye(DELTA_WIDTH), order)[0]
    return (math.factorial(order) * leading).astype(np.float32)


def delta(rows: np.ndarray, order: int) -> np.ndarray:
    """Compute local derivatives over nine frames: librosa.feature.delta (Savitzky and Golay, 1964).

    Parameters
    ----------
    rows : ndarray of float32, shape (rows, frames)
        Values over time.
    order : int
        1 for slopes, 2 for curvatures.

    Returns
    -------
    ndarray of float32, shape (rows, frames)
        Zero everywhere if there are fewer than nine frames, where librosa raises an error.
    """
    frames = rows.shape[1]
    slopes = np.zeros_like(rows)
    if frames < DELTA_WIDTH:
        return slopes
    weights, half = _slope_weights(order), DELTA_WIDTH // 2
    inner = slopes[:, half : frames - half]
    for at, weight in enumerate(weights):
        inner += weight * rows[:, at : at + inner.shape[1]]
    ends = np.tile(weights, (half, 1)).T
    slopes[:, :half] = rows[:, :DELTA_WIDTH] @ ends
    slopes[:, frames - half :] = rows[:, frames - DELTA_WIDTH :] @ ends
    return slopes
