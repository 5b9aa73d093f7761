"""Preparation of every clip before its features: one sample rate and, if a preset asks for it, one band and one level.

Encoders cut the high end, masters differ in level, and files begin and end with more or less silence. If this differs
between classes, a model can identify a class by it without learning anything about the music. A low-pass hides the
encoder only if every file has content up to its cutoff: a file at 8,000 Hz is empty above 4 kHz in any case.

SciPy's filters take over half a second to import, so only presets that ask for them wait for it.
"""

from functools import cache

import numpy as np
import soxr

from songwise.audio.loudness import integrated_loudness

# The same as in workflow/schemas/preset.schema.yaml. None skips a step.
DEFAULTS = {"low_pass": 8000, "trim": 60, "loudness": -23}

_LOWEST_NATIVE = 22_050  # Hz; some families are not defined at the rate of a telephone recording
_STOPPED = 100  # dB; more than the 80 dB of a spectrogram in dB
_TRANSITION = 0.1  # of the cutoff: the band between passed and stopped, half of it on either side
_HIGHEST = 0.9  # of half the rate: a higher cutoff leaves no room for the transition
_FRAME, _HOP = 2048, 512  # samples, as in librosa.effects.trim
_SILENT = -70  # LUFS; BS.1770's absolute gate


def standardised(samples: np.ndarray, rate: int, audio: dict) -> tuple[np.ndarray, int]:
    """Return a clip as the features need it: resampled, low-passed, trimmed and set to one loudness, in this order.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Samples, averaged over channels, at least one.
    rate : int
        Sample rate of `samples` in Hz.
    audio : dict
        A preset's audio section. sample_rate: in Hz, or "native" for `rate`, but at least 22,050 Hz. standardise: False
        or absent to resample only, True for DEFAULTS, or a dict that replaces some of them:
        low_pass: cutoff in Hz (-6 dB there, -100 dB 5 % above it), at most 0.9 of half the rate;
        trim: in dB; the beginning and the end are silence if they are quieter than the loudest frame by more than this;
        loudness: in LUFS (ITU-R BS.1770-4) of a single channel.

    Returns
    -------
    samples : ndarray of float32, shape (m,)
        Values may exceed [-1, 1]: floats do not clip. Empty only if resampling leaves nothing. Digital silence stays as
        it is, and clips below -70 LUFS keep their level.
    rate : int
        Their sample rate in Hz.
    """
    target = max(rate, _LOWEST_NATIVE) if audio["sample_rate"] == "native" else audio["sample_rate"]
    if target != rate:
        samples = soxr.resample(samples, rate, target, quality="HQ")
    changes = audio.get("standardise", False)
    if changes is False or not len(samples):
        return samples, target
    steps = DEFAULTS if changes is True else DEFAULTS | changes
    if steps["low_pass"] is not None:
        samples = _low_pass(samples, target, steps["low_pass"])
    if not samples.any():
        return samples, target
    if steps["trim"] is not None:
        samples = _trim(samples, steps["trim"])
    if steps["loudness"] is not None:
        samples = _set_loudness(samples, target, steps["loudness"])
    return samples, target


def _low_pass(samples: np.ndarray, rate: int, hertz: float) -> np.ndarray:
    from scipy.signal import oaconvolve

    # A symmetric FIR filter has no phase to undo, accepts clips shorter than itself, and is faster than sosfiltfilt.
    return oaconvolve(samples, _taps(rate, min(hertz, _HIGHEST * rate / 2)), mode="same")


@cache
def _taps(rate: int, hertz: float) -> np.ndarray:
    from scipy.signal import firwin, kaiserord

    count, beta = kaiserord(_STOPPED, _TRANSITION * hertz / (rate / 2))
    return firwin(count | 1, hertz, window=("kaiser", beta), fs=rate).astype(np.float32)


def _trim(samples: np.ndarray, decibels: float) -> np.ndarray:
    # librosa.effects.trim without its floor of 1e-5, below which quiet clips would keep what loud ones lose.
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    centres = np.arange(0, len(samples) + 1, _HOP)
    ends = np.minimum(centres + _FRAME // 2, len(samples))
    power = energy[ends] - energy[np.maximum(centres - _FRAME // 2, 0)]
    sounding = np.flatnonzero(power > power.max() * 10 ** (-decibels / 10))
    return samples[sounding[0] * _HOP : (sounding[-1] + 1) * _HOP]


def _set_loudness(samples: np.ndarray, rate: int, target: float) -> np.ndarray:
    # Measured at a peak of 1, so that the gate does not depend on the level, which is about to be removed.
    peak = np.float64(np.abs(samples).max())
    loudness = integrated_loudness(samples / peak, rate)
    if loudness + 20 * np.log10(peak) < _SILENT:
        return samples  # otherwise a clip of only hi-hats would become the loud remains that the low-pass leaves
    return (samples * (10 ** ((target - loudness) / 20) / peak)).astype(np.float32)
