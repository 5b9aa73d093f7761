"""Spectra of one clip, each computed once and shared by all families."""

import weakref
from collections.abc import Callable
from functools import cached_property

import numpy as np

from songwise.features.dsp import constantq, fourier, mel, pitch, rhythm, separation, shape

_TUNING_FRAME = {"n_fft": 2048, "hop_length": 512}  # librosa's defaults, by which a CQT is tuned


_QUIET = 1e-2  # of the whole clip's energy


class _Memo:
    """Answers that are computed once."""

    def __init__(self):
        self._answers: dict[tuple, object] = {}

    def once(self, key: tuple, compute: Callable, *arguments):
        if key not in self._answers:
            self._answers[key] = compute(*arguments)
        return self._answers[key]


class Clip(_Memo):
    """One clip's samples and everything that families share.

    Parameters
    ----------
    samples : float32, shape (n,), n >= 1.
    sample_rate : Hz.
    separating : whether harmonic or percussive parts may be asked for; else complex spectra are not kept.
    """

    def __init__(self, samples: np.ndarray, sample_rate: int, *, separating: bool = True):
        super().__init__()
        self.samples = samples
        self.sample_rate = sample_rate
        self.separating = separating

    def spectra(self, n_fft: int, hop_length: int, part: str = "whole") -> "Spectra":
        """The spectra with one frame setting, of the clip or of its harmonic or percussive part."""
        return self.once(("spectra", n_fft, hop_length, part), Spectra, self, n_fft, hop_length, part)

    def cqt(self, bins_per_octave: int, hop_length: int) -> np.ndarray:
        """Magnitude of the CQT in its own tuning, shape (bins, frames)."""
        return self.once(("cqt", bins_per_octave, hop_length), self._cqt, bins_per_octave, hop_length)

    def _cqt(self, bins_per_octave: int, hop_length: int) -> np.ndarray:
        octaves = self.once(("octaves", hop_length), constantq.pyramid, self.samples, self.sample_rate, hop_length)
        tuned = self.spectra(**_TUNING_FRAME).tuning(1, bins_per_octave)
        return constantq.cqt(octaves, bins_per_octave, tuned)


class Spectra(_Memo):
    """What follows from one short-time Fourier transform of a clip."""

    def __init__(self, clip: Clip, n_fft: int, hop_length: int, part: str):
        super().__init__()
        # A cycle of references would keep each clip's spectra until the garbage collector runs.
        self.clip: Clip = weakref.proxy(clip)
        self.n_fft, self.hop_length, self.part = n_fft, hop_length, part
        self.sample_rate = clip.sample_rate
        self.bin_hz = clip.sample_rate / n_fft

    @cached_property
    def samples(self) -> np.ndarray:
        """float32, shape (n,)."""
        if self.part == "whole":
            return self.clip.samples
        if self.part == "percussive" and not self._is_quiet:
            return self._rest
        whole = self.of("whole")
        mask = whole.harmonic_mask if self.part == "harmonic" else 1 - whole.harmonic_mask
        masked = separation.weighted(whole.stft, mask)
        return fourier.istft(masked, self.n_fft, self.hop_length, len(whole.samples))

    def of(self, part: str) -> "Spectra":
        """The same of the whole clip, its harmonic or its percussive part."""
        return self.clip.spectra(self.n_fft, self.hop_length, part)

    @cached_property
    def _rest(self) -> np.ndarray:
        # The masks add up to 1, so what is not harmonic is percussive.
        return self.of("whole").samples - self.of("harmonic").samples

    @cached_property
    def _is_quiet(self) -> bool:
        # Then the difference would be made of rounding errors.
        whole = self.of("whole").samples
        return float(np.dot(self._rest, self._rest)) < _QUIET * float(np.dot(whole, whole))

    @cached_property
    def stft(self) -> np.ndarray:
        """complex64, shape (frames, bins)."""
        if self.part == "percussive" and not self._is_quiet:
            return self.of("whole").stft - self.of("harmonic").stft
        return fourier.stft(self.samples, self.n_fft, self.hop_length, self._dtype)

    @property
    def _dtype(self) -> type:
        # Of a part only mel bands are made.
        return np.float64 if self.part == "whole" else np.float32

    @cached_property
    def magnitude(self) -> np.ndarray:
        """float32, shape (frames, bins)."""
        if self.clip.separating:
            return np.abs(self.stft)
        return fourier.magnitudes(self.samples, self.n_fft, self.hop_length, self._dtype)

    @cached_property
    def power(self) -> np.ndarray:
        """The magnitude squared."""
        return np.square(self.magnitude)

    @cached_property
    def harmonic_mask(self) -> np.ndarray:
        """float32, shape (frames, bins)."""
        return separation.harmonic_mask(self.magnitude)

    @cached_property
    def separated(self) -> tuple[np.ndarray, np.ndarray]:
        """Harmonic and percussive magnitudes, shape (bins, frames)."""
        return separation.parts(self.magnitude, self.harmonic_mask)

    @cached_property
    def outline(self) -> tuple[np.ndarray, np.ndarray]:
        """Centroid and bandwidth in Hz, shape (frames,)."""
        return shape.centroid_bandwidth(self.magnitude, self.bin_hz)

    def mel(self, n: int) -> np.ndarray:
        """Power in mel bands, shape (frames, n)."""
        return self.once(("mel", n), mel.mel, self.power, self.sample_rate, self.n_fft, n)

    def mel_db(self, n: int = 128) -> np.ndarray:
        """The same in dB, 80 dB below the largest at most."""
        return self.once(("mel_db", n), lambda: shape.decibels(self.mel(n)))

    def mfcc(self, n: int) -> np.ndarray:
        """Shape (n, frames)."""
        return self.once(("mfcc", n), lambda: mel.mfcc(self.mel_db(), n))

    def tuning(self, power: int, bins_per_octave: int) -> float:
        """Deviation from A440 in bins, estimated on the magnitude (power 1) or power spectrum (2)."""
        spectrum = self.magnitude if power == 1 else self.power
        peaks = self.once(("peaks", power), pitch.spectral_peaks, spectrum, self.sample_rate, self.n_fft)
        return self.once(("tuning", power, bins_per_octave), pitch.tuning, peaks, bins_per_octave)

    def onset_strength(self, aggregate: str) -> np.ndarray:
        """Shape (frames,)."""
        return self.once(
            ("onset", aggregate), rhythm.onset_strength, self.mel_db(), self.n_fft, self.hop_length, aggregate
        )
