"""Descriptors of the samples themselves, framed as librosa frames them."""

import numba
import numpy as np

_ZERO = np.float32(1e-10)  # nearer samples count as zero, which is positive


@numba.njit(cache=True)
def _frames(n, frame_length, hop_length):
    return 1 + (n + 2 * (frame_length // 2) - frame_length) // hop_length


@numba.njit(cache=True, fastmath=True)
def zero_crossing_rate(samples, frame_length, hop_length):
    """librosa.feature.zero_crossing_rate: sign changes a sample; float32, shape (frames,)."""
    n = len(samples)
    changes = np.zeros(n, np.uint8)  # at a sample whose sign is not that of the one before; the padding has none
    for index in range(1, n):
        changes[index] = (samples[index] < -_ZERO) != (samples[index - 1] < -_ZERO)
    found = np.empty(_frames(n, frame_length, hop_length), np.float32)
    for frame in range(len(found)):
        start = frame * hop_length - frame_length // 2
        # A change counts in the frame that holds both of its samples.
        inside = changes[min(max(start + 1, 0), n) : min(max(start + frame_length, 0), n)]
        total = 0
        for index in range(len(inside)):
            total += inside[index]
        found[frame] = total / frame_length
    return found


@numba.njit(cache=True, fastmath=True)
def rms(samples, frame_length, hop_length):
    """librosa.feature.rms(y=samples): root of the mean square; float32, shape (frames,)."""
    n = len(samples)
    found = np.empty(_frames(n, frame_length, hop_length), np.float32)
    for frame in range(len(found)):
        start = frame * hop_length - frame_length // 2
        inside = samples[min(max(start, 0), n) : min(max(start + frame_length, 0), n)]
        total = 0.0
        for index in range(len(inside)):
            total += np.float64(inside[index]) * np.float64(inside[index])
        found[frame] = np.sqrt(total / frame_length)
    return found
