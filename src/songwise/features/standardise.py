"""What every clip goes through before its features: one rate and, where a preset asks for it, one band and one level.

Encoders cut the high end, masters differ in level, and files begin and end with more or less silence. Where that
differs between classes, a model can tell them by it and has learnt nothing of the music. Only a band that every file
has hides an encoder: a file of 8,000 samples a second is empty above 4 kHz, whatever the low-pass.

SciPy's filters take a second to import, so only presets that ask for them wait for it.
"""

from functools import cache

import numpy as np
import soxr

from songwise.audio.loudness import integrated_loudness

# Of workflow/schemas/preset.schema.yaml; None leaves a step out.
DEFAULTS = {"low_pass": 8000, "trim": 60, "loudness": -23}

_LOWEST_NATIVE = 22_050  # Hz; of a telephone's recording not every family is defined at its own rate
_STOPPED = 100  # dB; beyond the 80 dB that a spectrogram in dB keeps
_TRANSITION = 0.1  # of the cut-off: what falls from whole to _STOPPED, half of it on either side
_HIGHEST = 0.9  # of half the rate: a higher cut-off would leave no room for the transition
_FRAME, _HOP = 2048, 512  # samples, as librosa.effects.trim has them
_SILENT = -70  # LUFS; BS.1770's absolute gate


def standardised(samples: np.ndarray, rate: int, audio: dict) -> tuple[np.ndarray, int]:
    """A clip as the features see it: resampled, low-passed, trimmed and brought to one loudness, in this order.

    Parameters
    ----------
    samples : float32, shape (n,), n >= 1; channels averaged.
    rate : Hz, of `samples`.
    audio : a preset's audio section. sample_rate: Hz, or "native" for `rate`, 22,050 Hz at least. standardise: False
        or absent for resampling alone, True for DEFAULTS, or a dict that replaces some of them:
        low_pass: cut-off in Hz (-6 dB; 5 % above it 100 dB are gone), at most 0.9 of half the rate;
        trim: dB below the loudest frame, under which the beginning and the end count as silence;
        loudness: LUFS, by ITU-R BS.1770-4, of a single channel.

    Returns
    -------
    float32, shape (m,), and its rate in Hz. Samples beyond [-1, 1] are left so: nothing clips in float. m >= 1 unless
    resampling leaves nothing. Digital silence stays as it is, and what is below -70 LUFS keeps its level.
    """
    wanted = max(rate, _LOWEST_NATIVE) if audio["sample_rate"] == "native" else audio["sample_rate"]
    if wanted != rate:
        samples = soxr.resample(samples, rate, wanted, quality="HQ")
    asked = audio.get("standardise", False)
    if asked is False or not len(samples):
        return samples, wanted
    steps = DEFAULTS if asked is True else DEFAULTS | asked
    if steps["low_pass"] is not None:
        samples = _low_passed(samples, wanted, steps["low_pass"])
    if not samples.any():
        return samples, wanted
    if steps["trim"] is not None:
        samples = _trimmed(samples, steps["trim"])
    if steps["loudness"] is not None:
        samples = _at_loudness(samples, wanted, steps["loudness"])
    return samples, wanted


def _low_passed(samples: np.ndarray, rate: int, hertz: float) -> np.ndarray:
    from scipy.signal import oaconvolve

    # A symmetric FIR has no phase to undo, takes clips shorter than itself, and is faster than sosfiltfilt.
    return oaconvolve(samples, _taps(rate, min(hertz, _HIGHEST * rate / 2)), mode="same")


@cache
def _taps(rate: int, hertz: float) -> np.ndarray:
    from scipy.signal import firwin, kaiserord

    count, beta = kaiserord(_STOPPED, _TRANSITION * hertz / (rate / 2))
    return firwin(count | 1, hertz, window=("kaiser", beta), fs=rate).astype(np.float32)


def _trimmed(samples: np.ndarray, decibels: float) -> np.ndarray:
    # As librosa.effects.trim, but for its floor of 1e-5: below it quiet clips would keep what loud ones lose.
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    centres = np.arange(0, len(samples) + 1, _HOP)
    ends = np.minimum(centres + _FRAME // 2, len(samples))
    power = energy[ends] - energy[np.maximum(centres - _FRAME // 2, 0)]
    sounding = np.flatnonzero(power > power.max() * 10 ** (-decibels / 10))
    return samples[sounding[0] * _HOP : (sounding[-1] + 1) * _HOP]


def _at_loudness(samples: np.ndarray, rate: int, target: float) -> np.ndarray:
    # Measured at a peak of 1, so that the gate does not depend on the level that is to be taken away.
    peak = np.float64(np.abs(samples).max())
    loudness = integrated_loudness(samples / peak, rate)
    if loudness + 20 * np.log10(peak) < _SILENT:
        return samples  # else a clip of hi-hats alone would become, loud, what the low-pass leaves of it
    return (samples * (10 ** ((target - loudness) / 20) / peak)).astype(np.float32)
