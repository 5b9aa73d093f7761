"""Loudness of a single channel by ITU-R BS.1770-4, whatever its length and rate."""

import numpy as np
import soxr

_BLOCK = 0.4  # seconds, BS.1770's gating block
_LOWEST_METERED, _METERED = 4000, 8000  # Hz; the meter's shelf lies at 1.7 kHz and must lie below half the rate


def integrated_loudness(samples: np.ndarray, rate: int) -> float:
    """Integrated loudness in LUFS; of less than a block, that of the samples repeated until they fill one.

    Parameters
    ----------
    samples : float, shape (n,), n >= 1, not all zero.
    rate : Hz.

    Returns
    -------
    Minus infinity where every block lies below the absolute gate, -70 LUFS.
    """
    import pyloudnorm  # which imports SciPy's filters, for more than half a second

    if rate < _LOWEST_METERED:
        samples, rate = soxr.resample(samples, rate, _METERED), _METERED
    block = int(np.ceil(_BLOCK * rate))
    if len(samples) < block:
        samples = np.resize(samples, block)
    # De Man's filters are the standard's at every rate; the package's default ones are off by 0.1 dB and more.
    return float(pyloudnorm.Meter(rate, filter_class="DeMan", block_size=_BLOCK).integrated_loudness(samples))
