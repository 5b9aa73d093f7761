"""Descriptors of the samples themselves, in the same centred frames as librosa."""

import numba
import numpy as np

_ZERO = np.float32(1e-10)  # smaller samples count as zero, which is positive


@numba.njit(cache=True)
def _frames(n, frame_length, hop_length):
    return 1 + (n + 2 * (frame_length // 2) - frame_length) // hop_length


@numba.njit(cache=True, fastmath=True)
def zero_crossing_rate(samples: np.ndarray, frame_length: int, hop_length: int) -> np.ndarray:
    """Compute the share of samples at which the sign changes: librosa.feature.zero_crossing_rate.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Samples of one channel.
    frame_length : int
        Samples per frame.
    hop_length : int
        Samples between the starts of two frames.

    Returns
    -------
    ndarray of float32, shape (frames,)
        Sign changes per sample.
    """
    n = len(samples)
    changes = np.zeros(n, np.uint8)  # 1 if the sign differs from that of the sample before
    for index in range(1, n):
        changes[index] = (samples[index] < -_ZERO) != (samples[index - 1] < -_ZERO)
    rates = np.empty(_frames(n, frame_length, hop_length), np.float32)
    for frame in range(len(rates)):
        start = frame * hop_length - frame_length // 2
        # A change counts in the frame that contains both of its samples.
        inside = changes[min(max(start + 1, 0), n) : min(max(start + frame_length, 0), n)]
        total = 0
        for index in range(len(inside)):
            total += inside[index]
        rates[frame] = total / frame_length
    return rates


@numba.njit(cache=True, fastmath=True)
def rms(samples: np.ndarray, frame_length: int, hop_length: int) -> np.ndarray:
    """Compute the root of the mean square per frame: librosa.feature.rms(y=samples).

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Samples of one channel.
    frame_length : int
        Samples per frame.
    hop_length : int
        Samples between the starts of two frames.

    Returns
    -------
    ndarray of float32, shape (frames,)
        In the unit of the samples.
    """
    n = len(samples)
    levels = np.empty(_frames(n, frame_length, hop_length), np.float32)
    for frame in range(len(levels)):
        start = frame * hop_length - frame_length // 2
        inside = samples[min(max(start, 0), n) : min(max(start + frame_length, 0), n)]
        total = 0.0
        for index in range(len(inside)):
            total += np.float64(inside[index]) * np.float64(inside[index])
        levels[frame] = np.sqrt(total / frame_length)
    return levels
