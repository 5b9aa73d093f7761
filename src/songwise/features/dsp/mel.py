"""Mel bands, cepstral coefficients and their deltas: librosa.feature.melspectrogram, mfcc and delta."""

from functools import cache

import librosa
import numpy as np
import scipy.fft
import scipy.signal

_GROUP = 16  # filters of a matrix product: few, since far filters share no bins
DELTA_WIDTH = 9  # frames, librosa's default


@cache
def _bank(sample_rate: int, n_fft: int, n: int) -> list[tuple[int, int, np.ndarray]]:
    # Groups of neighbouring filters: first and last bin that any of them reaches, and their weights, (bins, filters).
    filters = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n)
    groups = []
    for first in range(0, n, _GROUP):
        group = filters[first : first + _GROUP]
        inside = np.flatnonzero(group.any(axis=0))
        start, stop = (inside[0], inside[-1] + 1) if len(inside) else (0, 1)
        groups.append((start, stop, np.ascontiguousarray(group[:, start:stop].T)))
    return groups


def mel(power: np.ndarray, sample_rate: int, n_fft: int, n: int) -> np.ndarray:
    """Power in `n` Slaney bands, shape (frames, n), of the power spectrum, shape (frames, bins)."""
    found = np.empty((len(power), n), np.float32)
    for index, (start, stop, weights) in enumerate(_bank(sample_rate, n_fft, n)):
        found[:, index * _GROUP : (index + 1) * _GROUP] = power[:, start:stop] @ weights
    return found


@cache
def _cosines(bands: int, n: int) -> np.ndarray:
    return scipy.fft.dct(np.eye(bands), axis=0, type=2, norm="ortho")[:n].T.astype(np.float32)


def mfcc(mel_db: np.ndarray, n: int) -> np.ndarray:
    """The first `n` cepstral coefficients as rows, shape (n, frames), of mel bands in dB, shape (frames, bands)."""
    return np.ascontiguousarray((mel_db @ _cosines(mel_db.shape[1], n)).T)


@cache
def _slopes(order: int) -> np.ndarray:
    # What the filter answers for nine frames: first and last rows for the ends, the middle one for all between.
    return scipy.signal.savgol_filter(
        np.eye(DELTA_WIDTH), DELTA_WIDTH, polyorder=order, deriv=order, axis=0, mode="interp"
    ).astype(np.float32)


def delta(rows: np.ndarray, order: int) -> np.ndarray:
    """Local slopes of rows, shape (rows, frames); zeros where there are fewer than nine frames."""
    frames = rows.shape[1]
    found = np.zeros_like(rows)
    if frames < DELTA_WIDTH:
        return found
    slopes, half = _slopes(order), DELTA_WIDTH // 2
    inner = found[:, half : frames - half]
    for at, weight in enumerate(slopes[half]):
        inner += weight * rows[:, at : at + inner.shape[1]]
    found[:, :half] = rows[:, :DELTA_WIDTH] @ slopes[:half].T
    found[:, frames - half :] = rows[:, frames - DELTA_WIDTH :] @ slopes[half + 1 :].T
    return found
