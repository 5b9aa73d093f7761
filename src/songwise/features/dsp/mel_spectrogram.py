"""Mel spectrograms with a window, filters and a compression of one's own, as pretrained networks are fed with."""

import numpy as np
import scipy.fft

from songwise.features.dsp.fourier import hann_window
from songwise.features.dsp.mel_filters import MelBands

_BLOCK = 64  # frames per transform, so that they stay in the processor's cache


class MelSpectrogram:
    """Mel spectrograms as the authors of networks define them.

    Parameters
    ----------
    settings : dict
        The keys of `schemas.network.Mel`: sample_rate, n_fft, hop_length, window, ... Without compression, as in
        `schemas.network.Picture`, the energies are returned as they are.
    """

    def __init__(self, settings: dict):
        self._settings = settings
        self._n_fft, self._hop = settings["n_fft"], settings["hop_length"]
        length = settings.get("win_length", self._n_fft)
        before = (self._n_fft - length) // 2
        window = hann_window(length, symmetric=settings["window"] == "symmetric")
        self._window = np.pad(window, (before, self._n_fft - length - before)).astype(np.float32)
        self._bands = MelBands(settings)

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Return the mel spectrogram of samples at the settings' rate.

        Parameters
        ----------
        samples : ndarray of float32, shape (n,)
            Samples of one channel.

        Returns
        -------
        ndarray of float32, shape (frames, bands)
            One row per frame.
        """
        frames = self._frames(np.asarray(samples, np.float32))
        energies = np.empty((len(frames), self._settings["bands"]), np.float32)
        for start in range(0, len(frames), _BLOCK):
            spectrum = scipy.fft.rfft(frames[start : start + _BLOCK] * self._window, axis=1, overwrite_x=True)
            power = np.square(spectrum.real) + np.square(spectrum.imag)
            energies[start : start + _BLOCK] = self._bands(power if self._settings["power"] == 2 else np.sqrt(power))
        if "compression" not in self._settings:
            return energies
        return self._normalised(self._compressed(energies))

    def _frames(self, samples: np.ndarray) -> np.ndarray:
        coefficient = self._settings["preemphasis"]
        if coefficient is not None:
            samples = samples[1:] - np.float32(coefficient) * samples[:-1]
        if self._settings["center"]:
            samples = np.pad(samples, self._n_fft // 2, mode=self._settings["pad"])
        return np.lib.stride_tricks.sliding_window_view(samples, self._n_fft)[:: self._hop]

    def _compressed(self, energies: np.ndarray) -> np.ndarray:
        compression = self._settings["compression"]
        scale, offset = np.float32(compression["scale"]), np.float32(compression["offset"])
        if scale != 1:
            energies *= scale
        if compression["kind"] == "db":
            factor = 10 if self._settings["power"] == 2 else 20
            return np.float32(factor) * np.log10(np.maximum(energies, offset))
        energies += offset
        functions = {"log": np.log, "log10": np.log10}
        return functions[compression["kind"]](energies) if compression["kind"] in functions else energies

    def _normalised(self, rows: np.ndarray) -> np.ndarray:
        normalise = self._settings["normalise"]
        if normalise["add"]:
            rows += np.float32(normalise["add"])
        if normalise["divide"] != 1:
            rows /= np.float32(normalise["divide"])
        return rows
