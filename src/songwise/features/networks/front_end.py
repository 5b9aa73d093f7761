"""What a network is fed: a clip's mel spectrogram, its samples, or a picture of its mel spectrogram."""

from collections.abc import Callable

import numpy as np

from songwise.features.dsp.mel_spectrogram import MelSpectrogram

_FLOOR = 1e-10  # of a picture's energies, as in librosa.power_to_db


def front_end(network: dict) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that turns a clip's samples into what a network sees, before it is cut into patches.

    Parameters
    ----------
    network : dict
        The content of a network's file.

    Returns
    -------
    callable
        Takes samples at the network's rate, float32, shape (n,). Returns float32: for `mel` and `picture` a mel
        spectrogram, shape (frames, bands); for `waveform` samples, shape (n,).
    """
    settings = network["front_end"]
    if settings["type"] == "waveform":
        return _scale_to_peak if settings["level"] == "peak" else _keep
    return MelSpectrogram(settings)


def _keep(samples: np.ndarray) -> np.ndarray:
    return np.asarray(samples, np.float32)


def _scale_to_peak(samples: np.ndarray) -> np.ndarray:
    peak = np.abs(samples).max(initial=0)
    return np.asarray(samples / peak if peak > 0 else samples, np.float32)


def picture(energies: np.ndarray, settings: dict) -> np.ndarray:
    """Return a patch of a mel spectrogram as a picture in decibels, as networks trained on ImageNet expect it.

    Parameters
    ----------
    energies : ndarray of float32, shape (frames, bands)
        Mel spectrogram: power or magnitude.
    settings : dict
        A front end of type picture.

    Returns
    -------
    ndarray of float32, shape (3, height, width)
        The loudest value is white and what is `decibels` below it is black; the three colours are equal before `mean`
        is subtracted and the result divided by `deviation`. Silence is black.
    """
    factor, floor = (10, _FLOOR) if settings["power"] == 2 else (20, _FLOOR**0.5)
    levels = factor * np.log10(np.maximum(energies, floor))
    grey = np.clip(1 + (levels - levels.max()) / settings["decibels"], 0, 1)
    if energies.max() <= floor:
        grey[:] = 0
    rows = _resizing(energies.shape[1], settings["height"])[::-1]  # the lowest band is the last row
    grey = rows @ grey.T.astype(np.float32) @ _resizing(energies.shape[0], settings["width"]).T
    mean, deviation = (np.float32(settings[key])[:, np.newaxis, np.newaxis] for key in ("mean", "deviation"))
    return (grey - mean) / deviation


def _resizing(length: int, target: int) -> np.ndarray:
    """Return the weights of old pixels in new ones, shape (target, length): bilinear with antialiasing, as Pillow's."""
    ratio = length / target
    reach = max(ratio, 1.0)
    centres = (np.arange(target) + 0.5) * ratio
    distances = np.abs(np.arange(length) + 0.5 - centres[:, np.newaxis]) / reach
    weights = np.maximum(0, 1 - distances)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
