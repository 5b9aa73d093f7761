"""Spectra of one clip, each computed once and shared by all families."""

import weakref
from collections.abc import Callable
from functools import cached_property

import numpy as np

from songwise.features.dsp import constantq, fourier, mel, pitch, rhythm, separation, shape

_TUNING_FRAME = {"n_fft": 2048, "hop_length": 512}  # librosa's defaults for the tuning of a CQT
_QUIET = 1e-2  # of the whole clip's energy


class _Memo:
    """Results that are computed once."""

    def __init__(self):
        self._results: dict[tuple, object] = {}

    def once(self, key: tuple, compute: Callable, *arguments):
        if key not in self._results:
            self._results[key] = compute(*arguments)
        return self._results[key]


class Clip(_Memo):
    """The samples of one clip and everything that families share.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Samples of one channel, at least one.
    sample_rate : int
        Sample rate in Hz.
    separating : bool, default=True
        Whether families may ask for the harmonic or the percussive part. Otherwise complex spectra are not kept.
    """

    def __init__(self, samples: np.ndarray, sample_rate: int, *, separating: bool = True):
        super().__init__()
        self.samples = samples
        self.sample_rate = sample_rate
        self.separating = separating

    def spectra(self, n_fft: int, hop_length: int, part: str = "whole") -> "Spectra":
        """Return the spectra with one frame setting.

        Parameters
        ----------
        n_fft : int
            Samples per frame.
        hop_length : int
            Samples between the starts of two frames.
        part : {"whole", "harmonic", "percussive"}
            Part of the clip.

        Returns
        -------
        Spectra
            The same object for the same arguments.
        """
        return self.once(("spectra", n_fft, hop_length, part), Spectra, self, n_fft, hop_length, part)

    def cqt(self, bins_per_octave: int, hop_length: int) -> np.ndarray:
        """Return the magnitude of the constant-Q transform, in the clip's own tuning.

        Parameters
        ----------
        bins_per_octave : int
            12 or a multiple of it.
        hop_length : int
            Samples between two frames.

        Returns
        -------
        ndarray of float32, shape (bins, frames)
            Seven octaves from C1.
        """
        return self.once(("cqt", bins_per_octave, hop_length), self._cqt, bins_per_octave, hop_length)

    def _cqt(self, bins_per_octave: int, hop_length: int) -> np.ndarray:
        octaves = self.once(("octaves", hop_length), constantq.pyramid, self.samples, self.sample_rate, hop_length)
        tuning = self.spectra(**_TUNING_FRAME).tuning(1, bins_per_octave)
        return constantq.cqt(octaves, bins_per_octave, tuning)


class Spectra(_Memo):
    """The results that follow from one short-time Fourier transform of a clip.

    Parameters
    ----------
    clip : Clip
        The clip, which keeps this object.
    n_fft : int
        Samples per frame.
    hop_length : int
        Samples between the starts of two frames.
    part : {"whole", "harmonic", "percussive"}
        Part of the clip.
    """

    def __init__(self, clip: Clip, n_fft: int, hop_length: int, part: str):
        super().__init__()
        # A cycle of references would keep each clip's spectra until the garbage collector runs.
        self.clip: Clip = weakref.proxy(clip)
        self.n_fft, self.hop_length, self.part = n_fft, hop_length, part
        self.sample_rate = clip.sample_rate
        self.bin_hz = clip.sample_rate / n_fft

    @cached_property
    def samples(self) -> np.ndarray:
        """Return the samples of the part, float32, shape (n,)."""
        if self.part == "whole":
            return self.clip.samples
        if self.part == "percussive" and not self._is_quiet:
            return self._rest
        whole = self.of("whole")
        mask = whole.harmonic_mask if self.part == "harmonic" else 1 - whole.harmonic_mask
        masked = separation.apply_mask(whole.stft, mask)
        return fourier.istft(masked, self.n_fft, self.hop_length, len(whole.samples))

    def of(self, part: str) -> "Spectra":
        """Return the spectra of another part of the clip, with the same frames.

        Parameters
        ----------
        part : {"whole", "harmonic", "percussive"}
            Part of the clip.

        Returns
        -------
        Spectra
            The same object for the same part.
        """
        return self.clip.spectra(self.n_fft, self.hop_length, part)

    @cached_property
    def _rest(self) -> np.ndarray:
        # The masks add up to 1, so everything that is not harmonic is percussive.
        return self.of("whole").samples - self.of("harmonic").samples

    @cached_property
    def _is_quiet(self) -> bool:
        # The difference would then consist of rounding errors.
        whole = self.of("whole").samples
        return float(np.dot(self._rest, self._rest)) < _QUIET * float(np.dot(whole, whole))

    @cached_property
    def stft(self) -> np.ndarray:
        """Return the complex spectrum, complex64, shape (frames, bins)."""
        if self.part == "percussive" and not self._is_quiet:
            return self.of("whole").stft - self.of("harmonic").stft
        return fourier.stft(self.samples, self.n_fft, self.hop_length, self._dtype)

    @property
    def _dtype(self) -> type:
        # Parts are used for mel bands only, which do not need double precision.
        return np.float64 if self.part == "whole" else np.float32

    @cached_property
    def magnitude(self) -> np.ndarray:
        """Return the magnitude spectrum, float32, shape (frames, bins)."""
        if self.clip.separating:
            return np.abs(self.stft)
        return fourier.magnitudes(self.samples, self.n_fft, self.hop_length, self._dtype)

    @cached_property
    def power(self) -> np.ndarray:
        """Return the power spectrum, float32, shape (frames, bins)."""
        return np.square(self.magnitude)

    @cached_property
    def harmonic_mask(self) -> np.ndarray:
        """Return the harmonic share of each bin, float32, shape (frames, bins)."""
        return separation.harmonic_mask(self.magnitude)

    @cached_property
    def separated(self) -> tuple[np.ndarray, np.ndarray]:
        """Return harmonic and percussive magnitudes, float32, shape (bins, frames) each."""
        return separation.split_parts(self.magnitude, self.harmonic_mask)

    @cached_property
    def outline(self) -> tuple[np.ndarray, np.ndarray]:
        """Return centroid and bandwidth in Hz, float32, shape (frames,) each."""
        return shape.centroid_bandwidth(self.magnitude, self.bin_hz)

    def mel(self, n: int) -> np.ndarray:
        """Return the power in `n` mel bands, float32, shape (frames, n)."""
        return self.once(("mel", n), mel.mel_bands, self.power, self.sample_rate, self.n_fft, n)

    def mel_db(self, n: int = 128) -> np.ndarray:
        """Return mel bands in dB, at most 80 dB below the largest value, float32, shape (frames, n)."""
        return self.once(("mel_db", n), lambda: shape.decibels(self.mel(n)))

    def mfcc(self, n: int) -> np.ndarray:
        """Return the first `n` cepstral coefficients, float32, shape (n, frames)."""
        return self.once(("mfcc", n), lambda: mel.mfcc(self.mel_db(), n))

    def tuning(self, power: int, bins_per_octave: int) -> float:
        """Estimate the deviation from A440.

        Parameters
        ----------
        power : {1, 2}
            1 to estimate it on the magnitude spectrum, 2 on the power spectrum.
        bins_per_octave : int
            Bins per octave.

        Returns
        -------
        float
            Deviation in bins.
        """
        spectrum = self.magnitude if power == 1 else self.power
        peaks = self.once(("peaks", power), pitch.spectral_peaks, spectrum, self.sample_rate, self.n_fft)
        return self.once(("tuning", power, bins_per_octave), pitch.estimate_tuning, peaks, bins_per_octave)

    def onset_strength(self, aggregate: str) -> np.ndarray:
        """Return the onset strength, float32, shape (frames,); `aggregate` is "mean" or "median" over bands."""
        return self.once(
            ("onset", aggregate), rhythm.onset_strength, self.mel_db(), self.n_fft, self.hop_length, aggregate
        )
