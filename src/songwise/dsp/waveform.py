"""Descriptors of the samples themselves, framed as librosa frames them."""

import numba
import numpy as np

_ZERO = np.float32(1e-10)  # nearer samples count as zero, which is positive


@numba.njit(cache=True)
def zero_crossing_rate(samples, frame_length, hop_length):
    """librosa.feature.zero_crossing_rate: sign changes a sample; float32, shape (frames,)."""
    n = len(samples)
    changes = np.zeros(n + 1, np.int32)  # changes[i]: between neighbours before sample i; the padding has none
    before = samples[0] < -_ZERO
    for index in range(1, n):
        now = samples[index] < -_ZERO
        changes[index + 1] = changes[index] + (now != before)
        before = now
    frames = 1 + n // hop_length if frame_length % 2 == 0 else 1 + (n - 1) // hop_length
    found = np.empty(frames, np.float32)
    for frame in range(frames):
        start = frame * hop_length - frame_length // 2
        # A change counts in the frame that holds both of its samples.
        last = min(max(start + frame_length, 1), n)
        first = min(max(start + 1, 1), n)
        found[frame] = (changes[last] - changes[first]) / frame_length
    return found


@numba.njit(cache=True)
def rms(samples, frame_length, hop_length):
    """librosa.feature.rms(y=samples): root of the mean square; float32, shape (frames,)."""
    n = len(samples)
    energy = np.zeros(n + 1)
    for index in range(n):
        energy[index + 1] = energy[index] + np.float64(samples[index]) * samples[index]
    frames = 1 + n // hop_length if frame_length % 2 == 0 else 1 + (n - 1) // hop_length
    found = np.empty(frames, np.float32)
    for frame in range(frames):
        start = frame * hop_length - frame_length // 2
        inside = energy[min(max(start + frame_length, 0), n)] - energy[min(max(start, 0), n)]
        found[frame] = np.sqrt(max(inside, 0.0) / frame_length)
    return found
