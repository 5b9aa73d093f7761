"""Log-mel bands of Kaldi's front end, which networks for audio tagging are trained on."""

from functools import cache

import numpy as np

from songwise.features.dsp.mel_spectrogram import MelSpectrogram

_WINDOW = 0.025  # seconds
_PREEMPHASIS = 0.97
_HIGHEST = 15_000  # Hz
_OFFSET = 1e-5


def kaldi_log_mel(samples: np.ndarray, sample_rate: int, n_fft: int, hop_length: int, n: int) -> np.ndarray:
    """Compute the logarithm of the energy in Kaldi's mel bands.

    Pre-emphasis of 0.97, a symmetric Hann window of 25 ms, triangular filters in mel up to 15 kHz or half the rate, and
    log(energy + 1e-5), as in EfficientAT (Schmid, Koutini and Widmer, Efficient large-scale audio tagging, 2023).

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Samples of one channel, at least one.
    sample_rate : int
        Sample rate in Hz.
    n_fft : int
        Samples per frame. The window is not longer.
    hop_length : int
        Samples between the centres of two frames.
    n : int
        Number of bands.

    Returns
    -------
    ndarray of float32, shape (frames, n)
        Natural logarithms.
    """
    if len(samples) < 3:  # pre-emphasis takes one sample, and a frame is mirrored at two
        samples = np.pad(samples, (0, 3 - len(samples)))
    return _spectrogram(sample_rate, n_fft, hop_length, n)(samples)


@cache
def _spectrogram(sample_rate: int, n_fft: int, hop_length: int, n: int) -> MelSpectrogram:
    return MelSpectrogram(
        {
            "sample_rate": sample_rate,
            "n_fft": n_fft,
            "win_length": min(n_fft, round(_WINDOW * sample_rate)),
            "window": "symmetric",
            "hop_length": hop_length,
            "center": True,
            "pad": "reflect",
            "preemphasis": _PREEMPHASIS,
            "power": 2,
            "bands": n,
            "fmin": 0,
            "fmax": min(_HIGHEST, sample_rate / 2),
            "formula": "kaldi",
            "norm": None,
            "compression": {"kind": "log", "scale": 1, "offset": _OFFSET},
            "normalise": {"add": 0, "divide": 1},
        }
    )
