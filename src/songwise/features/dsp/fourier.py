"""Short-time Fourier transform and its inverse: librosa.stft and librosa.istft, centred, zero-padded, Hann window."""

from collections.abc import Iterator
from functools import cache

import numba
import numpy as np
import scipy.fft
import scipy.signal

_BLOCK = 64  # frames that are transformed at a time, so that they stay in the processor's cache
_TINY = np.finfo(np.float32).tiny


@cache
def window(n_fft: int) -> np.ndarray:
    """Periodic Hann window, float64, shape (n_fft,)."""
    return scipy.signal.get_window("hann", n_fft, fftbins=True)


def framed(samples: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """Centred frames as a view of the zero-padded samples, shape (frames, n_fft)."""
    padded = np.pad(samples, n_fft // 2)
    return np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]


def stft(samples: np.ndarray, n_fft: int, hop_length: int, dtype: type = np.float64) -> np.ndarray:
    """complex64, shape (frames, 1 + n_fft // 2), of float32 samples of shape (n,).

    Parameters
    ----------
    dtype : float64, as librosa does, or float32: there the rounding of loud bins drowns bins 140 dB below them, which
        shows in spectral contrast but not in decibels that end 80 dB below the loudest.
    """
    frames = framed(samples, n_fft, hop_length)
    spectrum = np.empty((len(frames), 1 + n_fft // 2), np.complex64)
    for start, block in _transformed(frames, dtype):
        spectrum[start : start + _BLOCK] = block
    return spectrum


def magnitudes(samples: np.ndarray, n_fft: int, hop_length: int, dtype: type = np.float64) -> np.ndarray:
    """|stft|, float32, without the memory that the complex spectrum takes."""
    frames = framed(samples, n_fft, hop_length)
    found = np.empty((len(frames), 1 + n_fft // 2), np.float32)
    for start, block in _transformed(frames, dtype):
        np.abs(block.astype(np.complex64, copy=False), out=found[start : start + _BLOCK])
    return found


def _transformed(frames: np.ndarray, dtype: type) -> Iterator[tuple[int, np.ndarray]]:
    taper = window(frames.shape[1]).astype(dtype)
    for start in range(0, len(frames), _BLOCK):
        yield start, scipy.fft.rfft(frames[start : start + _BLOCK] * taper, axis=1, overwrite_x=True)


def istft(spectrum: np.ndarray, n_fft: int, hop_length: int, length: int) -> np.ndarray:
    """The float32 samples, shape (length,), whose `stft` is nearest to `spectrum`."""
    frames = len(spectrum)
    padded = np.zeros(n_fft + hop_length * (frames - 1), np.float32)
    for start in range(0, frames, _BLOCK):
        block = scipy.fft.irfft(spectrum[start : start + _BLOCK], n_fft, axis=1)
        _overlap_add(block, window(n_fft).astype(np.float32), hop_length, padded[start * hop_length :])
    _normalise(padded, _window_energy(n_fft, hop_length, frames))
    found = np.zeros(length, np.float32)
    kept = padded[n_fft // 2 : n_fft // 2 + length]
    found[: len(kept)] = kept
    return found


@cache
def _window_energy(n_fft: int, hop_length: int, frames: int) -> np.ndarray:
    energy = np.zeros(n_fft + hop_length * (frames - 1), np.float32)
    squares = np.square(window(n_fft)).astype(np.float32)
    for frame in range(frames):
        energy[frame * hop_length : frame * hop_length + n_fft] += squares
    return energy


@numba.njit(cache=True, fastmath=True)
def _overlap_add(block, taper, hop_length, out):
    for frame in range(block.shape[0]):
        at = frame * hop_length
        for index in range(block.shape[1]):
            out[at + index] += block[frame, index] * taper[index]


@numba.njit(cache=True)
def _normalise(samples, energy):
    for index in range(len(samples)):
        if energy[index] > _TINY:
            samples[index] /= energy[index]
