"""Loudness of a single channel by ITU-R BS.1770-4, for any length and sample rate."""

import numpy as np
import soxr

_BLOCK = 0.4  # seconds, BS.1770's gating block
_LOWEST_METERED, _METERED = 4000, 8000  # Hz; the meter's shelf at 1.7 kHz must be below half the sample rate


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
    import pyloudnorm  # here because it imports SciPy's filters, which takes more than half a second

    if rate < _LOWEST_METERED:
        samples, rate = soxr.resample(samples, rate, _METERED), _METERED
    block = int(np.ceil(_BLOCK * rate))
    if len(samples) < block:
        samples = np.resize(samples, block)
    # De Man's filters follow the standard at every rate; pyloudnorm's default filters are off by 0.1 dB and more.
    return float(pyloudnorm.Meter(rate, filter_class="DeMan", block_size=_BLOCK).integrated_loudness(samples))
