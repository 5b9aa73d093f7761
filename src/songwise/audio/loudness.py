"""Loudness of a single channel by ITU-R BS.1770-4, for any length and sample rate."""

from songwise.runtime.numba_cache import fill_cache  # isort: skip  (sets numba's cache before numba is imported)

import math
from functools import cache

import numba
import numpy as np
import soxr

_STEPS_PER_SECOND, _STEPS_PER_BLOCK = 10, 4  # BS.1770's gating blocks have 0.4 s, and one begins every 0.1 s
_ABSOLUTE_GATE, _RELATIVE_GATE = -70.0, -10.0  # LUFS, and LU below the mean of what passes the first gate
_OFFSET = -0.691  # dB, so that a tone of 997 Hz at full scale has -3.01 LUFS
_LOWEST_METERED, _METERED = 4000, 8000  # Hz; the meter's shelf at 1.7 kHz must be below half the sample rate
# B. De Man's analogue prototypes of the standard's two filters, which it defines at 48 kHz only (Evaluation of
# implementations of the EBU R128 loudness measurement, 2018): centre in Hz, quality, and the shelf's gain in dB.
_SHELF_HERTZ, _SHELF_QUALITY, _SHELF_GAIN = 1681.9744509555319, 0.7071752369554193, 3.99984385397
_SHELF_MIDDLE = 0.499666774155  # exponent of the gain at the shelf's centre
_PASS_HERTZ, _PASS_QUALITY = 38.13547087613982, 0.5003270373253953


def integrated_loudness(samples: np.ndarray, rate: int) -> float:
    """Return the integrated loudness.

    Samples shorter than one gating block are repeated until they fill one.

    Parameters
    ----------
    samples : ndarray of float, shape (n,)
        At least one sample, not all zero.
    rate : int
        Sample rate in Hz.

    Returns
    -------
    float
        LUFS. Minus infinity if every block is below the absolute gate, -70 LUFS.
    """
    if rate < _LOWEST_METERED:
        samples, rate = soxr.resample(samples, rate, _METERED), _METERED
    block = math.ceil(rate * _STEPS_PER_BLOCK / _STEPS_PER_SECOND)
    if len(samples) < block:
        samples = np.resize(samples, block)
    power = _block_powers(np.ascontiguousarray(samples), rate)
    gate = 10 ** ((_ABSOLUTE_GATE - _OFFSET) / 10)
    kept = power[power >= gate]
    if not len(kept):
        return -math.inf
    kept = kept[kept > kept.mean() * 10 ** (_RELATIVE_GATE / 10)]
    return _OFFSET + 10 * math.log10(kept.mean())


def warm_up() -> None:
    """Compile the filters unless numba's cache has them already."""
    fill_cache("loudness", lambda: [integrated_loudness(np.ones(_METERED, kind), _METERED) for kind in "fd"])


def _block_powers(samples: np.ndarray, rate: int) -> np.ndarray:
    # Mean square of each block of the weighted samples.
    steps = np.arange(round(_STEPS_PER_SECOND * len(samples) / rate) - _STEPS_PER_BLOCK + 1)
    starts = steps * rate // _STEPS_PER_SECOND
    ends = np.minimum((steps + _STEPS_PER_BLOCK) * rate // _STEPS_PER_SECOND, len(samples))
    edges = np.unique(np.concatenate([starts, ends]))
    energy = np.concatenate([[0.0], _energies(samples, edges, *_weighting(rate)).cumsum()])
    sums = energy[np.searchsorted(edges, ends)] - energy[np.searchsorted(edges, starts)]
    return sums / (rate * _STEPS_PER_BLOCK / _STEPS_PER_SECOND)


@cache
def _weighting(rate: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    # Numerator and denominator of the shelf and of the high-pass: b0, b1, b2, a1, a2.
    k = math.tan(math.pi * _SHELF_HERTZ / rate)
    high = 10 ** (_SHELF_GAIN / 20)
    middle = high**_SHELF_MIDDLE
    scale = 1 + k / _SHELF_QUALITY + k * k
    sides = middle * k / _SHELF_QUALITY
    numerator = (high + sides + k * k, 2 * (k * k - high), high - sides + k * k)
    denominator = (2 * (k * k - 1), 1 - k / _SHELF_QUALITY + k * k)
    shelf = tuple(number / scale for number in (*numerator, *denominator))
    k = math.tan(math.pi * _PASS_HERTZ / rate)
    scale = 1 + k / _PASS_QUALITY + k * k
    return shelf, (1.0, -2.0, 1.0, 2 * (k * k - 1) / scale, (1 - k / _PASS_QUALITY + k * k) / scale)


@numba.njit(cache=True)
def _energies(samples, edges, first, second):
    # Energy between neighbouring edges, after both filters (transposed direct form II).
    energies = np.zeros(len(edges) - 1)
    b0, b1, b2, a1, a2 = first
    d0, d1, d2, c1, c2 = second
    s1 = s2 = t1 = t2 = 0.0
    for index in range(len(energies)):
        total = 0.0
        for sample in samples[edges[index] : edges[index + 1]]:
            x = np.float64(sample)
            y = b0 * x + s1
            s1 = b1 * x - a1 * y + s2
            s2 = b2 * x - a2 * y
            z = d0 * y + t1
            t1 = d1 * y - c1 * z + t2
            t2 = d2 * y - c2 * z
            total += z * z
        energies[index] = total
    return energies
