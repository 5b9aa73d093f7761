"""Mel filters as librosa and Kaldi define them, stored so that a product with them is fast."""

import numpy as np

from songwise.features.dsp.mel import hertz_to_mel, mel_to_hertz

_GROUP = 16  # filters per matrix product: few, because distant filters share no bins


def mel_filters(settings: dict) -> np.ndarray:
    """Compute the weight of each bin of a spectrum in each mel band.

    Parameters
    ----------
    settings : dict
        A network's front end, with sample_rate, n_fft, bands, fmin, fmax, formula and norm. "slaney" and "htk" are
        librosa.filters.mel. "kaldi" is get_mel_banks of Kaldi and torchaudio: triangles in mel.

    Returns
    -------
    ndarray of float32, shape (bands, 1 + n_fft // 2)
        The filters.
    """
    rate, formula = settings["sample_rate"], settings["formula"]
    low, high = settings["fmin"], settings["fmax"] or rate / 2
    bins = np.fft.rfftfreq(settings["n_fft"], 1.0 / rate)
    if formula == "slaney":
        edges = mel_to_hertz(np.linspace(hertz_to_mel(low), hertz_to_mel(high), settings["bands"] + 2))
    else:
        mels = np.linspace(_htk_mel(low), _htk_mel(high), settings["bands"] + 2)
        edges = 700 * np.expm1(mels / 1127)
    points, corners = (_htk_mel(bins), _htk_mel(edges)) if formula == "kaldi" else (bins, edges)
    widths = np.diff(corners)
    distances = corners[:, np.newaxis] - points
    filters = np.minimum(-distances[:-2] / widths[:-1, np.newaxis], distances[2:] / widths[1:, np.newaxis])
    filters = np.maximum(0, filters)
    if formula == "kaldi":
        filters[:, -1] = 0  # Kaldi leaves out the bin at half the sample rate
    if settings["norm"] == "slaney":
        filters *= (2.0 / (edges[2:] - edges[:-2]))[:, np.newaxis]
    return filters.astype(np.float32)


def _htk_mel(hertz: float | np.ndarray) -> float | np.ndarray:
    return 1127 * np.log1p(np.asarray(hertz) / 700)  # HTK writes 2595 log10; a factor changes no band


class MelBands:
    """The product of spectra with mel filters, of which most weights are zero.

    Parameters
    ----------
    settings : dict
        As in `mel_filters`.
    """

    def __init__(self, settings: dict):
        filters = mel_filters(settings)
        self._bands = len(filters)
        self._groups = []
        for first in range(0, self._bands, _GROUP):
            group = filters[first : first + _GROUP]
            reached = np.flatnonzero(group.any(axis=0))
            start, stop = (reached[0], reached[-1] + 1) if len(reached) else (0, 1)
            self._groups.append((first, start, stop, np.ascontiguousarray(group[:, start:stop].T)))

    def __call__(self, spectrum: np.ndarray) -> np.ndarray:
        """Return the energy in each band.

        Parameters
        ----------
        spectrum : ndarray of float32, shape (frames, bins)
            Magnitudes or powers.

        Returns
        -------
        ndarray of float32, shape (frames, bands)
            The energies.
        """
        bands = np.empty((len(spectrum), self._bands), np.float32)
        for first, start, stop, weights in self._groups:
            bands[:, first : first + _GROUP] = spectrum[:, start:stop] @ weights
        return bands
