"""Harmonic-percussive separation by medians (Fitzgerald 2010): librosa.decompose.hpss and librosa.effects.hpss."""

import numba
import numpy as np

from songwise.features.dsp.medians import along_bins, along_frames

_TINY = np.finfo(np.float32).tiny
_TILE = 32  # bins and frames per transposed tile


def harmonic_mask(S: np.ndarray) -> np.ndarray:
    """Compute the harmonic share of each bin: librosa.decompose.hpss with mask=True, transposed.

    Parameters
    ----------
    S : ndarray of float32, shape (frames, bins)
        Magnitude spectrum.

    Returns
    -------
    ndarray of float32, shape (frames, bins)
        Between 0 and 1. The percussive share is the rest.
    """
    mask = along_frames(S)
    _soft_mask(mask, along_bins(S))
    return mask


@numba.njit(cache=True, error_model="numpy")
def _soft_mask(harmonic, percussive):
    # The result replaces the medians of the harmonic part. If both medians are 0, each part gets half.
    for t in range(harmonic.shape[0]):
        one, other = harmonic[t], percussive[t]
        for k in range(len(one)):
            largest = max(one[k], other[k])
            scale = np.float32(1) / largest if largest >= _TINY else np.float32(0)
            ours = one[k] * scale
            theirs = other[k] * scale
            ours *= ours
            theirs *= theirs
            one[k] = ours / (ours + theirs) if largest >= _TINY else np.float32(0.5)


@numba.njit(cache=True)
def apply_mask(spectrum: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Multiply a spectrum with a mask, as librosa.effects.hpss does.

    Parameters
    ----------
    spectrum : ndarray of complex64, shape (frames, bins)
        Spectrum of the whole signal.
    mask : ndarray of float32, shape (frames, bins)
        Share of each bin to keep.

    Returns
    -------
    ndarray of complex64, shape (frames, bins)
        Spectrum of one part.
    """
    part = np.empty_like(spectrum)
    for t in range(spectrum.shape[0]):
        values, weights, target = spectrum[t], mask[t], part[t]
        for k in range(len(values)):
            target[k] = values[k] * weights[k]
    return part


@numba.njit(cache=True)
def split_parts(S: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split magnitudes into a harmonic and a percussive part: librosa.decompose.hpss.

    Parameters
    ----------
    S : ndarray of float32, shape (frames, bins)
        Magnitude spectrum.
    mask : ndarray of float32, shape (frames, bins)
        Harmonic share of each bin, from `harmonic_mask`.

    Returns
    -------
    harmonic : ndarray of float32, shape (bins, frames)
        Magnitudes of the harmonic part.
    percussive : ndarray of float32, shape (bins, frames)
        Magnitudes of the percussive part.
    """
    frames, bins = S.shape
    harmonic = np.empty((bins, frames), np.float32)
    percussive = np.empty((bins, frames), np.float32)
    for first in range(0, frames, _TILE):
        last = min(first + _TILE, frames)
        for start in range(0, bins, _TILE):
            stop = min(start + _TILE, bins)
            for t in range(first, last):
                values, weights = S[t], mask[t]
                for k in range(start, stop):
                    harmonic[k, t] = values[k] * weights[k]
                    percussive[k, t] = values[k] * (np.float32(1) - weights[k])
    return harmonic, percussive
