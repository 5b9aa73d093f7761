"""Harmonic-percussive separation by medians (Fitzgerald 2010): librosa.decompose.hpss and librosa.effects.hpss."""

import numba
import numpy as np

from songwise.features.dsp.medians import along_bins, along_frames

_TINY = np.finfo(np.float32).tiny
_TILE = 32  # bins and frames that are turned at a time


def harmonic_mask(S: np.ndarray) -> np.ndarray:
    """Share of each bin that is harmonic; the percussive share is the rest. S and the result: (frames, bins)."""
    mask = along_frames(S)
    _soft_mask(mask, along_bins(S))
    return mask


@numba.njit(cache=True, error_model="numpy")
def _soft_mask(harmonic, percussive):
    # Written over the medians of the harmonic part; where both are nothing each part gets half.
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
def weighted(spectrum, mask):
    """The complex spectrum times the mask, both of shape (frames, bins)."""
    found = np.empty_like(spectrum)
    for t in range(spectrum.shape[0]):
        values, weights, target = spectrum[t], mask[t], found[t]
        for k in range(len(values)):
            target[k] = values[k] * weights[k]
    return found


@numba.njit(cache=True)
def parts(S, mask):
    """Harmonic and percussive magnitudes as rows of bins, both of shape (bins, frames)."""
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
