"""Constant-Q transform from C1 on, equal to librosa.cqt, with the filters built once instead of at every call.

An octave down is the same filters on samples of half the rate. librosa multiplies the Fourier transform of each
frame with transformed filters, from which it dropped the smallest parts. That is linear in the samples, so here
the frames themselves are multiplied with the filters' counterpart in time: one matrix product an octave.
"""

from functools import lru_cache

import librosa
import numba
import numpy as np
import scipy.signal
import soxr

from songwise.features.dsp.fourier import framed

OCTAVES = 7
_BLOCK = 256  # frames that are multiplied at a time
_SPARSITY = 0.01  # librosa's default


def pyramid(samples: np.ndarray, sample_rate: int, hop_length: int) -> list[tuple[np.ndarray, float, int]]:
    """For each octave from the highest: samples, their rate in Hz and hop. Each has half the rate of the one before.

    Raises
    ------
    ValueError : the hop cannot be halved for each octave.
    """
    early = _early_halvings(sample_rate, hop_length)
    if hop_length % 2 ** (early + OCTAVES - 1):
        raise ValueError(f"hop_length {hop_length} cannot be halved {early + OCTAVES - 1} times, as a CQT needs it")
    if early:
        samples = _decimated(samples, 2**early)
    octaves = []
    for octave in range(early, early + OCTAVES):
        octaves.append((samples, sample_rate / 2**octave, hop_length // 2**octave))
        if octave < early + OCTAVES - 1:
            samples = _decimated(samples, 2)
    return octaves


def _early_halvings(sample_rate: int, hop_length: int) -> int:
    # librosa's rule: as far as the highest filter allows, and the hop has factors of two to spare. The highest
    # filter ends at some 4,100 Hz whatever the number of bins; it depends on the tuning, by which it must not cross.
    highest = _frequencies(12, 0.0)[-1] * 1.03
    spare = int(np.log2(hop_length & -hop_length)) - OCTAVES + 1
    return max(min(int(np.ceil(np.log2(sample_rate / 2 / highest))) - 2, spare), 0)


def _decimated(samples: np.ndarray, factor: int) -> np.ndarray:
    wanted = -(-len(samples) // factor)
    found = librosa.util.fix_length(soxr.resample(samples, factor, 1, quality="HQ"), size=wanted)
    return found * np.float32(np.sqrt(factor))


def _frequencies(bins_per_octave: int, tuned: float) -> np.ndarray:
    lowest = librosa.note_to_hz("C1") * 2.0 ** (tuned / bins_per_octave)
    return librosa.cqt_frequencies(n_bins=OCTAVES * bins_per_octave, fmin=lowest, bins_per_octave=bins_per_octave)


def _wavelet(length: float, cycles: float) -> np.ndarray:
    # librosa.filters.wavelet's, without its compiled ufunc: those crash at random when they come from numba's cache.
    turned = np.exp(2j * np.pi * cycles * np.arange(-length // 2, length // 2))
    turned *= scipy.signal.get_window("hann", len(turned), fftbins=True)
    return turned / np.abs(turned).sum()


@lru_cache(maxsize=256)  # a tuning is one of 100; 0.3 MB each with 36 bins
def _filters(rate: float, bins_per_octave: int, tuned: float) -> np.ndarray:
    # Of the highest octave, in time: real parts, then imaginary ones; float32, shape (n_fft, 2 * bins_per_octave).
    frequencies = _frequencies(bins_per_octave, tuned)
    bandwidths = librosa.filters._relative_bandwidth(freqs=frequencies)[-bins_per_octave:]
    lengths = rate / (bandwidths * frequencies[-bins_per_octave:])
    n_fft = 2 ** int(np.ceil(np.log2(lengths.max())))
    basis = np.zeros((bins_per_octave, n_fft), np.complex64)
    for row, length, frequency in zip(basis, lengths, frequencies[-bins_per_octave:], strict=True):
        wavelet = _wavelet(length, frequency / rate)
        start = (n_fft - len(wavelet)) // 2
        row[start : start + len(wavelet)] = wavelet
    basis *= lengths[:, np.newaxis] / n_fft
    spectrum = np.fft.fft(basis, axis=1)[:, : n_fft // 2 + 1]
    spectrum = librosa.util.sparsify_rows(spectrum, quantile=_SPARSITY, dtype=np.complex64).toarray()
    in_time = np.fft.fft(spectrum, n=n_fft, axis=1).T / np.sqrt(lengths)
    return np.concatenate([in_time.real, in_time.imag], axis=1).astype(np.float32)


def cqt(octaves: list[tuple[np.ndarray, float, int]], bins_per_octave: int, tuned: float) -> np.ndarray:
    """Magnitude of the CQT, float32, shape (7 * bins_per_octave, frames).

    Parameters
    ----------
    octaves : from `pyramid`.
    bins_per_octave : 12 or a multiple of it.
    tuned : deviation from A440 in bins.
    """
    frames = min(1 + len(samples) // hop for samples, _, hop in octaves)
    found = np.empty((OCTAVES * bins_per_octave, frames), np.float32)
    filters = _filters(octaves[0][1], bins_per_octave, tuned)
    n_fft = len(filters)
    for octave, (samples, _, hop) in enumerate(octaves):
        top = (OCTAVES - octave) * bins_per_octave
        rows = found[top - bins_per_octave : top]
        view = framed(samples, n_fft, hop)
        for start in range(0, frames, _BLOCK):
            block = np.ascontiguousarray(view[start : start + _BLOCK][: frames - start])
            _magnitudes(block @ filters, rows[:, start : start + _BLOCK])
    return found


@numba.njit(cache=True)
def _magnitudes(parts, out):
    bins = parts.shape[1] // 2
    for t in range(parts.shape[0]):
        for k in range(bins):
            out[k, t] = np.sqrt(parts[t, k] * parts[t, k] + parts[t, bins + k] * parts[t, bins + k])
