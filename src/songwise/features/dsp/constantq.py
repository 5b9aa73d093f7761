"""Constant-Q transform from C1 on, equal to librosa.cqt, with filters that are built once instead of at every call.

The filters of an octave also serve the octave below, on samples of half the rate. librosa multiplies the Fourier
transform of each frame with transformed filters, from which it drops the smallest parts. That is linear in the samples,
so here the frames are multiplied with the filters' counterpart in time: one matrix product per octave.
"""

from functools import lru_cache

import numba
import numpy as np
import soxr

from songwise.features.dsp.fourier import frame_samples, hann_window

OCTAVES = 7
_LOWEST = 440.0 * 2.0 ** ((24 - 69) / 12)  # Hz, C1
_BLOCK = 256  # frames per matrix product
_SPARSITY = 0.01  # librosa's default


def pyramid(samples: np.ndarray, sample_rate: int, hop_length: int) -> list[tuple[np.ndarray, float, int]]:
    """Halve the sample rate once per octave, as librosa.cqt does.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Samples of one channel.
    sample_rate : int
        Sample rate in Hz.
    hop_length : int
        Samples between two frames.

    Returns
    -------
    list of (ndarray, float, int)
        For each octave from the highest: samples, their rate in Hz and the hop in samples.

    Raises
    ------
    ValueError
        If the hop cannot be halved for each octave.
    """
    early = _early_halvings(sample_rate, hop_length)
    if hop_length % 2 ** (early + OCTAVES - 1):
        raise ValueError(
            f"a CQT halves the hop_length {early + OCTAVES - 1} times, and {hop_length} is not a multiple of "
            f"{2 ** (early + OCTAVES - 1)}"
        )
    if early:
        samples = _decimate(samples, 2**early)
    octaves = []
    for octave in range(early, early + OCTAVES):
        octaves.append((samples, sample_rate / 2**octave, hop_length // 2**octave))
        if octave < early + OCTAVES - 1:
            samples = _decimate(samples, 2)
    return octaves


def _early_halvings(sample_rate: int, hop_length: int) -> int:
    # librosa's rule: as far as the highest filter allows, and the hop has factors of two to spare. The highest
    # filter ends near 4,100 Hz whatever the number of bins. It moves with the tuning, which must not change the result.
    highest = _frequencies(12, 0.0)[-1] * 1.03
    spare = int(np.log2(hop_length & -hop_length)) - OCTAVES + 1
    return max(min(int(np.ceil(np.log2(sample_rate / 2 / highest))) - 2, spare), 0)


def _decimate(samples: np.ndarray, factor: int) -> np.ndarray:
    length = -(-len(samples) // factor)
    resampled = soxr.resample(samples, factor, 1, quality="HQ")[:length]
    return np.pad(resampled, (0, length - len(resampled))) * np.float32(np.sqrt(factor))


def _frequencies(bins_per_octave: int, tuning: float) -> np.ndarray:
    lowest = _LOWEST * 2.0 ** (tuning / bins_per_octave)
    return lowest * 2.0 ** (np.arange(float(OCTAVES * bins_per_octave)) / bins_per_octave)


def _relative_bandwidths(frequencies: np.ndarray) -> np.ndarray:
    # Width of each filter as a share of its frequency, from the distance to its neighbours.
    octaves = np.log2(frequencies)
    per_octave = np.empty_like(frequencies)
    per_octave[0] = 1 / (octaves[1] - octaves[0])
    per_octave[-1] = 1 / (octaves[-1] - octaves[-2])
    per_octave[1:-1] = 2 / (octaves[2:] - octaves[:-2])
    ratios = 2.0 ** (2 / per_octave)
    return (ratios - 1) / (ratios + 1)


def _wavelet(length: float, cycles: float) -> np.ndarray:
    turned = np.exp(2j * np.pi * cycles * np.arange(-length // 2, length // 2))
    turned *= hann_window(len(turned))
    return turned / np.abs(turned).sum()


def _drop_smallest(rows: np.ndarray) -> np.ndarray:
    # The values that together make up less than _SPARSITY of a row's magnitude become 0.
    magnitudes = np.abs(rows)
    ascending = np.sort(magnitudes, axis=1)
    shares = np.cumsum(ascending / np.sum(magnitudes, axis=1, keepdims=True), axis=1)
    least = np.take_along_axis(ascending, np.argmin(shares < _SPARSITY, axis=1)[:, np.newaxis], axis=1)
    return np.where(magnitudes >= least, rows, 0).astype(np.complex64)


@lru_cache(maxsize=256)  # there are 100 tunings; 0.3 MB each with 36 bins
def _filters(rate: float, bins_per_octave: int, tuning: float) -> np.ndarray:
    # Of the highest octave, in time: real parts, then imaginary ones; float32, shape (n_fft, 2 * bins_per_octave).
    frequencies = _frequencies(bins_per_octave, tuning)
    bandwidths = _relative_bandwidths(frequencies)[-bins_per_octave:]
    lengths = rate / (bandwidths * frequencies[-bins_per_octave:])
    n_fft = 2 ** int(np.ceil(np.log2(lengths.max())))
    basis = np.zeros((bins_per_octave, n_fft), np.complex64)
    for row, length, frequency in zip(basis, lengths, frequencies[-bins_per_octave:], strict=True):
        wavelet = _wavelet(length, frequency / rate)
        start = (n_fft - len(wavelet)) // 2
        row[start : start + len(wavelet)] = wavelet
    basis *= lengths[:, np.newaxis] / n_fft
    spectrum = _drop_smallest(np.fft.fft(basis, axis=1)[:, : n_fft // 2 + 1])
    in_time = np.fft.fft(spectrum, n=n_fft, axis=1).T / np.sqrt(lengths)
    return np.concatenate([in_time.real, in_time.imag], axis=1).astype(np.float32)


def cqt(octaves: list[tuple[np.ndarray, float, int]], bins_per_octave: int, tuning: float) -> np.ndarray:
    """Compute the magnitude of the constant-Q transform: abs(librosa.cqt).

    Parameters
    ----------
    octaves : list of (ndarray, float, int)
        What `pyramid` returned.
    bins_per_octave : int
        12 or a multiple of it.
    tuning : float
        Deviation from A440 in bins.

    Returns
    -------
    ndarray of float32, shape (7 * bins_per_octave, frames)
        One row per bin, from C1.
    """
    frames = min(1 + len(samples) // hop for samples, _, hop in octaves)
    magnitudes = np.empty((OCTAVES * bins_per_octave, frames), np.float32)
    filters = _filters(octaves[0][1], bins_per_octave, tuning)
    n_fft = len(filters)
    for octave, (samples, _, hop) in enumerate(octaves):
        top = (OCTAVES - octave) * bins_per_octave
        rows = magnitudes[top - bins_per_octave : top]
        view = frame_samples(samples, n_fft, hop)
        for start in range(0, frames, _BLOCK):
            block = np.ascontiguousarray(view[start : start + _BLOCK][: frames - start])
            _magnitudes(block @ filters, rows[:, start : start + _BLOCK])
    return magnitudes


@numba.njit(cache=True)
def _magnitudes(parts, out):
    bins = parts.shape[1] // 2
    for t in range(parts.shape[0]):
        for k in range(bins):
            out[k, t] = np.sqrt(parts[t, k] * parts[t, k] + parts[t, bins + k] * parts[t, bins + k])
