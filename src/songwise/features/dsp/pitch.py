"""Tuning and chroma: librosa.estimate_tuning, librosa.feature.chroma_stft, and what is made of a CQT."""

from functools import lru_cache

import librosa
import numba
import numpy as np
import scipy.ndimage

from songwise.features.dsp.moments import median

_LOWEST, _HIGHEST = 150.0, 4000.0  # Hz in which pitches are looked for
_THRESHOLD = np.float32(0.1)  # of a frame's largest bin
_SILENT = 1e-7  # of the largest bin of the clip: 140 dB below it, where rounding noise begins
_RESOLUTION = 0.01  # of a bin of the octave


@numba.njit(cache=True)
def _spectral_peaks(S, first, end, sample_rate, n_fft):
    # Rounded where librosa.piptrack rounds: the tuning is the fullest of 100 classes, and classes tie.
    frames, bins = S.shape
    hertz = np.empty(frames * (end - first) // 2 + frames, np.float32)
    heights = np.empty(len(hertz), np.float32)
    count = 0
    for t in range(frames):
        row = S[t]
        largest = np.float32(0)
        for k in range(bins):
            largest = max(largest, row[k])
        floor = _THRESHOLD * largest
        for k in range(first, end):
            here = row[k]
            if here > floor and here > row[k - 1] and here >= row[k + 1]:
                rise = row[k + 1] - row[k - 1]
                curve = np.float64(row[k + 1] + row[k - 1]) - 2.0 * np.float64(here)
                slope = np.float64(rise) / 2.0
                shift = np.float32(0.0 if abs(slope) >= abs(curve) else -slope / curve)
                hertz[count] = (np.float64(k) + np.float64(shift)) * sample_rate / n_fft
                heights[count] = here + np.float32(0.5) * (rise / np.float32(2)) * shift
                count += 1
    return hertz[:count], heights[:count]


def spectral_peaks(S: np.ndarray, sample_rate: int, n_fft: int) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz and heights of each frame's peaks between 150 and 4000 Hz; S has shape (frames, bins).

    A peak stands above a tenth of the frame's largest bin; its place and height are those of a parabola through
    three bins.
    """
    hertz = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    inside = np.flatnonzero((hertz >= _LOWEST) & (hertz < min(_HIGHEST, sample_rate / 2)))
    if not len(inside):
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    return _spectral_peaks(S, inside[0], inside[-1] + 1, float(sample_rate), n_fft)


def tuning(peaks: tuple[np.ndarray, np.ndarray], bins_per_octave: int) -> float:
    """Deviation from A440 of the louder half of the peaks, in bins of the octave, between -0.5 and 0.5."""
    hertz, heights = peaks
    if not len(hertz):
        return 0.0
    louder = hertz[heights >= median(heights[np.newaxis])[0]]
    return librosa.pitch_tuning(louder, resolution=_RESOLUTION, bins_per_octave=bins_per_octave)


@lru_cache(maxsize=256)
def _chroma_bank(sample_rate: int, n_fft: int, tuned: float) -> np.ndarray:
    return np.ascontiguousarray(librosa.filters.chroma(sr=sample_rate, n_fft=n_fft, tuning=tuned).T)


def chroma_stft(S: np.ndarray, sample_rate: int, n_fft: int, tuned: float) -> np.ndarray:
    """The spectrum folded to 12 pitch classes, the largest of a frame 1; shape (12, frames)."""
    return _scaled_to_largest((S @ _chroma_bank(sample_rate, n_fft, tuned)).T)


@lru_cache(maxsize=8)
def _fold(bins: int, bins_per_octave: int) -> np.ndarray:
    return librosa.filters.cq_to_chroma(bins, bins_per_octave=bins_per_octave)


def _folded(C: np.ndarray, bins_per_octave: int) -> np.ndarray:
    folded = _fold(len(C), bins_per_octave) @ C
    # librosa scales the rounding noise of digital silence to 1; a clip that is silent throughout has 0 there.
    folded[:, C.max(axis=0) < _SILENT * C.max()] = 0
    return folded


def chroma_cqt(C: np.ndarray, bins_per_octave: int) -> np.ndarray:
    """librosa.feature.chroma_cqt of a CQT's magnitude C, shape (bins, frames), as (12, frames)."""
    return _scaled_to_largest(_folded(C, bins_per_octave))


def chroma_cens(C: np.ndarray, bins_per_octave: int) -> np.ndarray:
    """librosa.feature.chroma_cens of a CQT's magnitude C, shape (bins, frames), as (12, frames)."""
    chroma = librosa.util.normalize(_folded(C, bins_per_octave), norm=1, axis=0)
    steps = sum((chroma > step) * np.float32(0.25) for step in (0.4, 0.2, 0.1, 0.05))
    smoothing = librosa.filters.get_window("hann", 41 + 2, fftbins=False)
    smoothed = scipy.ndimage.convolve1d(steps, smoothing / smoothing.sum(), axis=1, mode="constant")
    return librosa.util.normalize(smoothed, norm=2, axis=0)


@lru_cache(maxsize=1)
def _tonal_centroids() -> np.ndarray:
    # Circles of fifths, minor and major thirds (Harte et al. 2006).
    angles = np.multiply.outer([7 / 6, 7 / 6, 3 / 2, 3 / 2, 2 / 3, 2 / 3], np.arange(12.0))
    angles[::2] -= 0.5
    return np.array([1, 1, 1, 1, 0.5, 0.5])[:, np.newaxis] * np.cos(np.pi * angles)


def tonnetz(chroma: np.ndarray) -> np.ndarray:
    """librosa.feature.tonnetz of a chroma, shape (12, frames), as (6, frames)."""
    return _tonal_centroids() @ librosa.util.normalize(chroma, norm=1, axis=0)


def _scaled_to_largest(rows: np.ndarray) -> np.ndarray:
    largest = rows.max(axis=0)
    largest[largest < np.finfo(np.float32).tiny] = 1
    return np.ascontiguousarray(rows / largest)
