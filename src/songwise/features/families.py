"""How each feature family is computed from spectra that all families of a clip share.

`features.declarations` says which families there are. To add one, declare it there and add its function to COMPUTE.
"""

from collections.abc import Callable

import numpy as np

from songwise.features.dsp import mel, pitch, rhythm, shape, waveform
from songwise.features.dsp.kaldi_log_mel import kaldi_log_mel
from songwise.features.spectra import Clip, Spectra

_ROLLOFF_SHARE = 0.85  # librosa's default


def _chroma_stft(spectra: Spectra, power: int) -> np.ndarray:
    spectrum = spectra.magnitude if power == 1 else spectra.power
    return pitch.chroma_stft(spectrum, spectra.sample_rate, spectra.n_fft, spectra.tuning(power, 12))


def _chroma_cqt(spectra: Spectra, bins_per_octave: int) -> np.ndarray:
    return pitch.chroma_cqt(spectra.clip.cqt(bins_per_octave, spectra.hop_length), bins_per_octave)


def _chroma_cens(spectra: Spectra, bins_per_octave: int) -> np.ndarray:
    return pitch.chroma_cens(spectra.clip.cqt(bins_per_octave, spectra.hop_length), bins_per_octave)


def _tonnetz(spectra: Spectra, chroma: str, bins_per_octave: int) -> np.ndarray:
    compute = _chroma_cqt if chroma == "cqt" else _chroma_cens
    return pitch.tonnetz(compute(spectra, bins_per_octave))


def _contrast(spectra: Spectra) -> np.ndarray:
    return shape.contrast(spectra.magnitude, shape.contrast_bands(spectra.sample_rate, spectra.n_fft))


def _rolloff(spectra: Spectra) -> np.ndarray:
    return shape.rolloff(spectra.magnitude, spectra.bin_hz, _ROLLOFF_SHARE)


def _zero_crossing_rate(spectra: Spectra) -> np.ndarray:
    return waveform.zero_crossing_rate(spectra.samples, spectra.n_fft, spectra.hop_length)


def _rms(spectra: Spectra, source: str) -> np.ndarray:
    if source == "spectrum":
        return shape.rms(spectra.magnitude, spectra.n_fft)
    return waveform.rms(spectra.samples, spectra.n_fft, spectra.hop_length)


def _tempo(spectra: Spectra, aggregate: str) -> float:
    return rhythm.tempo(spectra.onset_strength(aggregate), spectra.sample_rate, spectra.hop_length)


def _kaldi_log_mel(spectra: Spectra, n: int) -> np.ndarray:
    return kaldi_log_mel(spectra.samples, spectra.sample_rate, spectra.n_fft, spectra.hop_length, n).T


def _of_part(compute: Callable) -> Callable:
    # A family that is also defined for the harmonic or the percussive part.
    def compute_part(spectra: Spectra, part: str, **options):
        return compute(spectra.of(part), **options)

    return compute_part


# Name of a family to a function of the spectra and the family's options. It returns (rows, frames), (frames,) or one
# number.
COMPUTE: dict[str, Callable] = {
    "mfcc": _of_part(lambda spectra, n: spectra.mfcc(n)),
    "mfcc_delta": _of_part(lambda spectra, n: mel.delta(spectra.mfcc(n), order=1)),
    "mfcc_delta2": _of_part(lambda spectra, n: mel.delta(spectra.mfcc(n), order=2)),
    "mel": _of_part(lambda spectra, n: spectra.mel(n).T),
    "kaldi_log_mel": _kaldi_log_mel,
    "chroma_stft": _chroma_stft,
    "chroma_cqt": _chroma_cqt,
    "chroma_cens": _chroma_cens,
    "tonnetz": _tonnetz,
    "spectral_centroid": lambda spectra: spectra.outline[0],
    "spectral_bandwidth": lambda spectra: spectra.outline[1],
    "spectral_contrast": _contrast,
    "spectral_flatness": lambda spectra: shape.flatness(spectra.magnitude),
    "spectral_rolloff": _rolloff,
    "poly_features": lambda spectra: shape.fit_lines(spectra.magnitude, spectra.bin_hz),
    "zero_crossing_rate": _zero_crossing_rate,
    "rms": _rms,
    "harmonic_waveform": lambda spectra: spectra.of("harmonic").samples,
    "percussive_waveform": lambda spectra: spectra.of("percussive").samples,
    "harmonic_spectrum": lambda spectra: spectra.separated[0],
    "percussive_spectrum": lambda spectra: spectra.separated[1],
    "onset_strength": lambda spectra, aggregate: spectra.onset_strength(aggregate),
    "tempo": _tempo,
}


def rows_of(clip: Clip, family: str, *, frame: dict, options: dict) -> np.ndarray:
    """Compute a family's numbers for one clip.

    Parameters
    ----------
    clip : Clip
        Keeps intermediate results for other families.
    family : str
        A name in `declarations.FAMILIES`.
    frame : dict
        n_fft and hop_length, in samples.
    options : dict
        A value for every option that the family's declaration names.

    Returns
    -------
    ndarray of float32, shape (rows, frames)
        One row per coefficient, band or pitch class.
    """
    numbers = COMPUTE[family](clip.spectra(**frame), **options)
    return np.ascontiguousarray(np.atleast_2d(np.asarray(numbers, np.float32)))
