"""Tuning and chroma: librosa.estimate_tuning, librosa.feature.chroma_stft, and what follows from a CQT."""

from functools import lru_cache

import numba
import numpy as np
import scipy.ndimage

from songwise.features.dsp.fourier import hann_window
from songwise.features.dsp.moments import median

_CLASSES = 12  # pitch classes per octave
_LOWEST, _HIGHEST = 150.0, 4000.0  # Hz, the range of pitches
_THRESHOLD = np.float32(0.1)  # of a frame's largest bin
_SILENT = 1e-7  # of the largest bin of the clip: 140 dB below it, where rounding noise begins
_RESOLUTION = 100  # steps per bin of the octave
_A0 = 440.0 / 16  # Hz, from which octaves are counted
_CENTRE, _SPREAD = 5.0, 2  # octaves above A0, for the weights of bins in chroma
_SMOOTHING = 41  # frames, librosa's default for CENS


@numba.njit(cache=True)
def _spectral_peaks(S, first, end, sample_rate, n_fft):
    # Rounded where librosa.piptrack rounds: the tuning is the fullest of 100 bins, and bins can tie.
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
    """Find each frame's peaks between 150 and 4000 Hz: the non-zero results of librosa.piptrack.

    A peak is above a tenth of the frame's largest bin. Its frequency and height are those of a parabola through three
    bins.

    Parameters
    ----------
    S : ndarray of float32, shape (frames, bins)
        Magnitude or power spectrum.
    sample_rate : int
        Sample rate in Hz.
    n_fft : int
        Samples per frame.

    Returns
    -------
    hertz : ndarray of float32, shape (peaks,)
        Frequencies in Hz.
    heights : ndarray of float32, shape (peaks,)
        Heights, in the unit of the spectrum.
    """
    hertz = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    inside = np.flatnonzero((hertz >= _LOWEST) & (hertz < min(_HIGHEST, sample_rate / 2)))
    if not len(inside):
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    return _spectral_peaks(S, inside[0], inside[-1] + 1, float(sample_rate), n_fft)


def estimate_tuning(peaks: tuple[np.ndarray, np.ndarray], bins_per_octave: int) -> float:
    """Estimate the deviation from A440 from the louder half of the peaks: librosa.estimate_tuning.

    Parameters
    ----------
    peaks : tuple of ndarray
        What `spectral_peaks` returned.
    bins_per_octave : int
        Bins per octave.

    Returns
    -------
    float
        Deviation in bins, between -0.5 and 0.5; 0 without peaks.
    """
    hertz, heights = peaks
    if not len(hertz):
        return 0.0
    louder = hertz[heights >= median(heights[np.newaxis])[0]]
    deviation = np.mod(bins_per_octave * np.log2(louder / _A0), 1.0)
    deviation[deviation >= 0.5] -= 1.0
    counts, edges = np.histogram(deviation, np.linspace(-0.5, 0.5, _RESOLUTION + 1))
    return edges[np.argmax(counts)]


def chroma_filters(sample_rate: int, n_fft: int, tuning: float) -> np.ndarray:
    """Compute the weight of each bin of a spectrum in each pitch class: librosa.filters.chroma (Ellis, 2007).

    Parameters
    ----------
    sample_rate : int
        Sample rate in Hz.
    n_fft : int
        Samples per frame.
    tuning : float
        Deviation from A440 in semitones.

    Returns
    -------
    ndarray of float32, shape (12, 1 + n_fft // 2)
        One row per pitch class, from C.
    """
    hertz = np.linspace(0, sample_rate, n_fft, endpoint=False)[1:]
    pitches = _CLASSES * np.log2(hertz / (440.0 * 2.0 ** (tuning / _CLASSES) / 16))
    pitches = np.concatenate(([pitches[0] - 1.5 * _CLASSES], pitches))  # 0 Hz has no pitch
    widths = np.append(np.maximum(np.diff(pitches), 1.0), 1)
    half = _CLASSES / 2
    distances = (
        np.remainder(pitches - np.arange(float(_CLASSES))[:, np.newaxis] + half + 10 * _CLASSES, _CLASSES) - half
    )
    weights = _scale_to_norm(np.exp(-0.5 * (2 * distances / widths) ** 2), 2)
    weights *= np.exp(-0.5 * ((pitches / _CLASSES - _CENTRE) / _SPREAD) ** 2)
    from_c = np.roll(weights, -3, axis=0)
    return np.ascontiguousarray(from_c[:, : 1 + n_fft // 2], np.float32)


@lru_cache(maxsize=256)
def _chroma_weights(sample_rate: int, n_fft: int, tuning: float) -> np.ndarray:
    return np.ascontiguousarray(chroma_filters(sample_rate, n_fft, tuning).T)


def chroma_stft(S: np.ndarray, sample_rate: int, n_fft: int, tuning: float) -> np.ndarray:
    """Fold a spectrum to 12 pitch classes, the largest of each frame 1: librosa.feature.chroma_stft.

    Parameters
    ----------
    S : ndarray of float32, shape (frames, bins)
        Magnitude or power spectrum.
    sample_rate : int
        Sample rate in Hz.
    n_fft : int
        Samples per frame.
    tuning : float
        Deviation from A440 in semitones.

    Returns
    -------
    ndarray of float32, shape (12, frames)
        One row per pitch class.
    """
    return _scale_to_largest((S @ _chroma_weights(sample_rate, n_fft, tuning)).T)


@lru_cache(maxsize=8)
def octave_fold(bins: int, bins_per_octave: int) -> np.ndarray:
    """Return the matrix that folds a CQT from C1 on to 12 pitch classes: librosa.filters.cq_to_chroma.

    Parameters
    ----------
    bins : int
        Bins of the CQT.
    bins_per_octave : int
        A multiple of 12.

    Returns
    -------
    ndarray of float32, shape (12, bins)
        1 where a bin belongs to a pitch class. Shared by all callers: do not write to it.
    """
    per_class = bins_per_octave // _CLASSES
    octave = np.roll(np.repeat(np.eye(_CLASSES, dtype=np.float32), per_class, axis=1), -(per_class // 2), axis=1)
    return np.tile(octave, -(-bins // bins_per_octave))[:, :bins]


def _fold_octaves(C: np.ndarray, bins_per_octave: int) -> np.ndarray:
    folded = octave_fold(len(C), bins_per_octave) @ C
    # librosa scales the rounding noise of digital silence to 1; a clip that is silent throughout has 0 there.
    folded[:, C.max(axis=0) < _SILENT * C.max()] = 0
    return folded


def chroma_cqt(C: np.ndarray, bins_per_octave: int) -> np.ndarray:
    """Fold a CQT to 12 pitch classes, the largest of each frame 1: librosa.feature.chroma_cqt.

    Parameters
    ----------
    C : ndarray of float32, shape (bins, frames)
        Magnitude of the CQT.
    bins_per_octave : int
        A multiple of 12.

    Returns
    -------
    ndarray of float32, shape (12, frames)
        One row per pitch class. Digital silence is 0, where librosa scales its rounding noise to 1.
    """
    return _scale_to_largest(_fold_octaves(C, bins_per_octave))


def chroma_cens(C: np.ndarray, bins_per_octave: int) -> np.ndarray:
    """Compute the energy-normalised chroma of a CQT: librosa.feature.chroma_cens (Müller and Ewert, 2011).

    Parameters
    ----------
    C : ndarray of float32, shape (bins, frames)
        Magnitude of the CQT.
    bins_per_octave : int
        A multiple of 12.

    Returns
    -------
    ndarray of float32, shape (12, frames)
        One row per pitch class.
    """
    chroma = _scale_to_norm(_fold_octaves(C, bins_per_octave), 1)
    steps = sum((chroma > step) * np.float32(0.25) for step in (0.4, 0.2, 0.1, 0.05))
    smoothing = hann_window(_SMOOTHING + 2, symmetric=True)
    smoothed = scipy.ndimage.convolve1d(steps, smoothing / smoothing.sum(), axis=1, mode="constant")
    return _scale_to_norm(smoothed, 2)


@lru_cache(maxsize=1)
def _tonal_centroids() -> np.ndarray:
    # Circles of fifths, minor and major thirds (Harte et al. 2006).
    angles = np.multiply.outer([7 / 6, 7 / 6, 3 / 2, 3 / 2, 2 / 3, 2 / 3], np.arange(12.0))
    angles[::2] -= 0.5
    return np.array([1, 1, 1, 1, 0.5, 0.5])[:, np.newaxis] * np.cos(np.pi * angles)


def tonnetz(chroma: np.ndarray) -> np.ndarray:
    """Project a chroma on fifths, minor and major thirds: librosa.feature.tonnetz (Harte et al., 2006).

    Parameters
    ----------
    chroma : ndarray of float32, shape (12, frames)
        One row per pitch class.

    Returns
    -------
    ndarray of float64, shape (6, frames)
        Two rows per circle.
    """
    return _tonal_centroids() @ _scale_to_norm(chroma, 1)


def _scale_to_largest(rows: np.ndarray) -> np.ndarray:
    largest = rows.max(axis=0)
    largest[largest < np.finfo(np.float32).tiny] = 1
    return np.ascontiguousarray(rows / largest)


def _scale_to_norm(rows: np.ndarray, norm: int) -> np.ndarray:
    # librosa.util.normalize(rows, norm=norm, axis=0): lengths in double precision, the result in that of the rows.
    lengths = np.sum(np.abs(rows).astype(np.float64) ** norm, axis=0) ** (1.0 / norm)
    lengths[lengths < np.finfo(rows.dtype).tiny] = 1
    return (rows / lengths).astype(rows.dtype)
