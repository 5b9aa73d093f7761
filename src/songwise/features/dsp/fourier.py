"""Short-time Fourier transform and its inverse: librosa.stft and librosa.istft, centred, zero-padded, Hann window."""

from functools import cache

import numba
import numpy as np
import scipy.fft

from songwise.features.dsp import lanes

_BLOCK = 64  # frames per transform, so that they stay in the processor's cache
_TINY = np.finfo(np.float32).tiny


@cache
def hann_window(length: int, *, symmetric: bool = False) -> np.ndarray:
    """Return a Hann window: scipy.signal.get_window("hann", length).

    Parameters
    ----------
    length : int
        Number of samples.
    symmetric : bool, default=False
        Whether the window ends on zero, as filters need it. Otherwise it is periodic, as transforms need it.

    Returns
    -------
    ndarray of float64, shape (length,)
        Shared by all callers: do not write to it.
    """
    points = length if symmetric else length + 1
    return (0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, points)))[:length]


def frame_samples(samples: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """Return centred frames of zero-padded samples: librosa.util.frame after librosa.stft's padding.

    Parameters
    ----------
    samples : ndarray of float, shape (n,)
        Samples of one channel.
    n_fft : int
        Samples per frame.
    hop_length : int
        Samples between the starts of two frames.

    Returns
    -------
    ndarray of float, shape (frames, n_fft)
        A view of the padded samples.
    """
    padded = np.pad(samples, n_fft // 2)
    return np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop_length]


def stft(samples: np.ndarray, n_fft: int, hop_length: int, dtype: type = np.float64) -> np.ndarray:
    """Compute the short-time Fourier transform: librosa.stft, transposed.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Samples of one channel.
    n_fft : int
        Samples per frame.
    hop_length : int
        Samples between the starts of two frames.
    dtype : type, default=float64
        Precision of the transform. In float64, as in librosa, quiet bins keep their value. In float32 the rounding
        of loud bins hides bins 140 dB below them: this changes spectral contrast, but not decibels that end 80 dB
        below the loudest bin.

    Returns
    -------
    ndarray of complex64, shape (frames, 1 + n_fft // 2)
        The spectrum.
    """
    spectrum = np.empty((_count(samples, n_fft, hop_length), 1 + n_fft // 2), np.complex64)
    _transform(_padded(samples, n_fft), 0, hop_length, hann_window(n_fft).astype(dtype), spectrum)
    return spectrum


def magnitudes(samples: np.ndarray, n_fft: int, hop_length: int, dtype: type = np.float64) -> np.ndarray:
    """Compute the magnitudes of `stft` without the memory of the complex spectrum: abs(librosa.stft), transposed.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Samples of one channel.
    n_fft : int
        Samples per frame.
    hop_length : int
        Samples between the starts of two frames.
    dtype : type, default=float64
        Precision of the transform, as in `stft`.

    Returns
    -------
    ndarray of float32, shape (frames, 1 + n_fft // 2)
        The magnitudes.
    """
    spectrum = np.empty((_count(samples, n_fft, hop_length), 1 + n_fft // 2), np.float32)
    block = np.empty((_BLOCK, 1 + n_fft // 2), np.complex64)
    padded, taper = _padded(samples, n_fft), hann_window(n_fft).astype(dtype)
    for start in range(0, len(spectrum), _BLOCK):
        part = block[: len(spectrum) - start]
        _transform(padded, start, hop_length, taper, part)
        np.abs(part, out=spectrum[start : start + _BLOCK])
    return spectrum


def _padded(samples: np.ndarray, n_fft: int) -> np.ndarray:
    padded = np.zeros(len(samples) + n_fft // 2 * 2, np.float32)
    padded[n_fft // 2 : n_fft // 2 + len(samples)] = samples
    return padded


def _count(samples: np.ndarray, n_fft: int, hop_length: int) -> int:
    return 1 + (len(samples) + n_fft // 2 * 2 - n_fft) // hop_length


def _transform(padded: np.ndarray, start: int, hop_length: int, taper: np.ndarray, out: np.ndarray) -> None:
    if lanes.supports(len(taper)):
        lanes.transform(padded, start, hop_length, taper, out)
        return
    frames = np.lib.stride_tricks.sliding_window_view(padded, len(taper))[::hop_length]
    for first in range(0, len(out), _BLOCK):
        block = frames[start + first : start + first + _BLOCK][: len(out) - first]
        out[first : first + _BLOCK] = scipy.fft.rfft(block * taper, axis=1, overwrite_x=True)


def istft(spectrum: np.ndarray, n_fft: int, hop_length: int, length: int) -> np.ndarray:
    """Compute the samples whose `stft` is nearest to a spectrum: librosa.istft of the transposed spectrum.

    Parameters
    ----------
    spectrum : ndarray of complex64, shape (frames, 1 + n_fft // 2)
        The spectrum.
    n_fft : int
        Samples per frame.
    hop_length : int
        Samples between the starts of two frames.
    length : int
        Samples to return.

    Returns
    -------
    ndarray of float32, shape (length,)
        Samples of one channel.
    """
    frames = len(spectrum)
    padded = np.zeros(n_fft + hop_length * (frames - 1), np.float32)
    taper = hann_window(n_fft).astype(np.float32)
    if lanes.supports(n_fft):
        lanes.add_inverse(spectrum, hop_length, taper, padded)
    else:
        for start in range(0, frames, _BLOCK):
            block = scipy.fft.irfft(spectrum[start : start + _BLOCK], n_fft, axis=1)
            _overlap_add(block, taper, hop_length, padded[start * hop_length :])
    _normalise(padded, _window_energy(n_fft, hop_length, frames))
    samples = np.zeros(length, np.float32)
    kept = padded[n_fft // 2 : n_fft // 2 + length]
    samples[: len(kept)] = kept
    return samples


@cache
def _window_energy(n_fft: int, hop_length: int, frames: int) -> np.ndarray:
    energy = np.zeros(n_fft + hop_length * (frames - 1), np.float32)
    squares = np.square(hann_window(n_fft)).astype(np.float32)
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
