"""The feature presets as a notebook computes them: the reference that songwise.features must equal.

Nothing here comes from songwise. Each family is librosa's own function of the samples, and each statistic is numpy's or
that of scipy.stats. A clip keeps only what a notebook keeps in a variable: the MFCC from which deltas are computed, and
the two results of one call of hpss.
"""

import inspect
import warnings
from functools import cache
from pathlib import Path

import librosa
import numpy as np
import scipy.stats
import yaml

PRESETS = Path(__file__).parents[1] / "config" / "features"
_OCTAVES = 7
_DELTA_WIDTH = 9  # frames; librosa raises below


class Clip:
    """A clip's samples and the few results that a notebook would name.

    Parameters
    ----------
    y : ndarray of float, shape (n,)
        Samples of one channel.
    sr : int
        Sample rate in Hz.
    """

    def __init__(self, y: np.ndarray, sr: int):
        self.y = y
        self.sr = sr
        self._mfcc: dict[tuple, np.ndarray] = {}
        self._waveforms: dict[str, dict] = {}
        self._spectra: dict[str, dict] = {}

    def waveforms(self, frame: dict) -> dict[str, np.ndarray]:
        """Return the harmonic and the percussive part, float, shape (n,) each."""
        if str(frame) not in self._waveforms:
            both = librosa.effects.hpss(self.y, **frame)
            self._waveforms[str(frame)] = dict(zip(("harmonic", "percussive"), both, strict=True))
        return self._waveforms[str(frame)]

    def spectra(self, frame: dict) -> dict[str, np.ndarray]:
        """Return the magnitudes of the harmonic and the percussive part, shape (1 + n_fft/2, frames) each."""
        if str(frame) not in self._spectra:
            harmonic, percussive = librosa.decompose.hpss(librosa.stft(self.y, **frame))
            self._spectra[str(frame)] = {"harmonic": np.abs(harmonic), "percussive": np.abs(percussive)}
        return self._spectra[str(frame)]

    def mfcc(self, *, n: int, part: str | None, n_fft: int, hop_length: int) -> np.ndarray:
        """Return the MFCC of the clip or of one of its parts, shape (n, frames)."""
        key = (n, part, n_fft, hop_length)
        if key not in self._mfcc:
            frame = {"n_fft": n_fft, "hop_length": hop_length}
            y = self.waveforms(frame)[part] if part else self.y
            self._mfcc[key] = librosa.feature.mfcc(y=y, sr=self.sr, n_mfcc=n, **frame)
        return self._mfcc[key]


# Families: functions of a clip and `frame` (n_fft and hop_length in samples) that return (rows, frames). Their keywords
# are the options in the YAML files.


def _mfcc(clip, frame, *, n=20, part=None):
    return clip.mfcc(n=n, part=part, **frame)


def _mfcc_delta(clip, frame, *, n=20, order=1):
    mfcc = clip.mfcc(n=n, part=None, **frame)
    if mfcc.shape[1] < _DELTA_WIDTH:
        return np.zeros_like(mfcc)
    return librosa.feature.delta(mfcc, order=order)


def _mfcc_delta2(clip, frame, *, n=20):
    return _mfcc_delta(clip, frame, n=n, order=2)


def _mel(clip, frame, *, n=128):
    return librosa.feature.melspectrogram(y=clip.y, sr=clip.sr, n_mels=n, **frame)


def _chroma_stft(clip, frame, *, power=2):
    if power == 2:
        return librosa.feature.chroma_stft(y=clip.y, sr=clip.sr, **frame)
    magnitude = np.abs(librosa.stft(clip.y, **frame))
    return librosa.feature.chroma_stft(S=magnitude**power, sr=clip.sr, n_fft=frame["n_fft"])


def _cqt(clip, frame, bins):
    return np.abs(
        librosa.cqt(
            clip.y,
            sr=clip.sr,
            hop_length=frame["hop_length"],
            bins_per_octave=bins,
            n_bins=_OCTAVES * bins,
            tuning=None,
        )
    )


def _chroma_cqt(clip, frame, *, bins_per_octave=36):
    return librosa.feature.chroma_cqt(C=_cqt(clip, frame, bins_per_octave), bins_per_octave=bins_per_octave)


def _chroma_cens(clip, frame, *, bins_per_octave=36):
    return librosa.feature.chroma_cens(C=_cqt(clip, frame, bins_per_octave), bins_per_octave=bins_per_octave)


def _tonnetz(clip, frame, *, chroma="cqt", bins_per_octave=36):
    of = {"cqt": _chroma_cqt, "cens": _chroma_cens}[chroma]
    return librosa.feature.tonnetz(chroma=of(clip, frame, bins_per_octave=bins_per_octave))


def _rms(clip, frame, *, source="waveform"):
    n_fft, hop_length = frame["n_fft"], frame["hop_length"]
    if source == "spectrum":
        return librosa.feature.rms(S=np.abs(librosa.stft(clip.y, **frame)), frame_length=n_fft)
    return librosa.feature.rms(y=clip.y, frame_length=n_fft, hop_length=hop_length)


def _zero_crossing_rate(clip, frame):
    n_fft, hop_length = frame["n_fft"], frame["hop_length"]
    return librosa.feature.zero_crossing_rate(clip.y, frame_length=n_fft, hop_length=hop_length)


def _spectral(name):
    def family(clip, frame):
        return getattr(librosa.feature, name)(y=clip.y, sr=clip.sr, **frame)

    return family


def _spectral_flatness(clip, frame):
    return librosa.feature.spectral_flatness(y=clip.y, **frame)


def _part_waveform(part):
    return lambda clip, frame: clip.waveforms(frame)[part][np.newaxis]


def _part_spectrum(part):
    return lambda clip, frame: clip.spectra(frame)[part]


def _onset_strength(clip, frame, *, aggregate="mean"):
    how = {"mean": np.mean, "median": np.median}[aggregate]
    return librosa.onset.onset_strength(y=clip.y, sr=clip.sr, aggregate=how, **frame)[np.newaxis]


def _tempo(clip, frame, *, aggregate="mean"):
    envelope = _onset_strength(clip, frame, aggregate=aggregate)[0]
    return librosa.feature.tempo(onset_envelope=envelope, sr=clip.sr, hop_length=frame["hop_length"])[np.newaxis]


_MFCC_FAMILIES = {"mfcc": _mfcc, "mfcc_delta": _mfcc_delta, "mfcc_delta2": _mfcc_delta2}
FAMILIES = _MFCC_FAMILIES | {
    "mel": _mel,
    "chroma_stft": _chroma_stft,
    "chroma_cqt": _chroma_cqt,
    "chroma_cens": _chroma_cens,
    "tonnetz": _tonnetz,
    "rms": _rms,
    "zero_crossing_rate": _zero_crossing_rate,
    "spectral_centroid": _spectral("spectral_centroid"),
    "spectral_bandwidth": _spectral("spectral_bandwidth"),
    "spectral_contrast": _spectral("spectral_contrast"),
    "spectral_flatness": _spectral_flatness,
    "spectral_rolloff": _spectral("spectral_rolloff"),
    "poly_features": _spectral("poly_features"),
    "harmonic_waveform": _part_waveform("harmonic"),
    "percussive_waveform": _part_waveform("percussive"),
    "harmonic_spectrum": _part_spectrum("harmonic"),
    "percussive_spectrum": _part_spectrum("percussive"),
    "onset_strength": _onset_strength,
    "tempo": _tempo,
}
# Rows of the families that have more than one, except those with an option `n`.
_ROWS = {"chroma_stft": 12, "chroma_cqt": 12, "chroma_cens": 12, "tonnetz": 6, "spectral_contrast": 7}
_ROWS |= {"poly_features": 2, "harmonic_spectrum": 1025, "percussive_spectrum": 1025}
_NUMBERS = ("tempo",)  # families of one number per clip


def _moment(function):
    def statistic(rows):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.filterwarnings("ignore", "Precision loss occurred")  # of nearly constant rows
            value = function(rows, axis=1)
        return np.where(np.isfinite(value), value, 0)

    return statistic


def _covariance(rows):
    upper = np.triu_indices(len(rows))
    return np.cov(rows)[upper] if rows.shape[1] > 1 else np.zeros(len(upper[0]))


# Statistics: functions of (rows, frames) that return one number per row; covariance one per pair of rows.
STATISTICS = {
    "mean": lambda rows: rows.mean(axis=1),
    "std": lambda rows: rows.std(axis=1),
    "var": lambda rows: rows.var(axis=1),
    "min": lambda rows: rows.min(axis=1),
    "max": lambda rows: rows.max(axis=1),
    "median": lambda rows: np.median(rows, axis=1),
    "skew": _moment(scipy.stats.skew),
    "kurtosis": _moment(scipy.stats.kurtosis),
    "covariance": _covariance,
}


@cache
def read_preset(name: str) -> dict:
    """Return the content of config/features/NAME.yaml."""
    return yaml.safe_load((PRESETS / f"{name}.yaml").read_text())


def plain(preset: str, y: np.ndarray, sr: int, *, dtype: type | None = None) -> dict[str, float]:
    """Compute a preset's columns for one clip.

    Parameters
    ----------
    preset : str
        Name of a file in config/features.
    y : ndarray of float32, shape (n,)
        Samples of one channel.
    sr : int
        Sample rate in Hz.
    dtype : type, optional
        Type of the rows from which statistics are taken. By default most stay float32, as in a notebook.

    Returns
    -------
    dict of str to float
        Columns in order.
    """
    content = read_preset(preset)
    if "union" in content:
        return unite(preset, {member: plain(member, y, sr, dtype=dtype) for member in content["union"]})
    clip = Clip(y, sr)
    columns: dict[str, float] = {}
    for prefix, options in content["families"].items():
        family, keywords, frame = _split(content, prefix, options)
        rows = _pooled(FAMILIES[family](clip, frame, **keywords), options.get("pool"))
        if family in _NUMBERS:
            columns[prefix] = float(rows.item())
            continue
        if dtype is not None:
            rows = rows.astype(dtype)
        for statistic in options["statistics"]:
            names = _names(prefix, statistic, len(rows))
            columns |= zip(names, STATISTICS[statistic](rows).tolist(), strict=True)
    return columns


def plain_columns(preset: str) -> list[str]:
    """Return the names of a preset's columns, in order, from its file alone."""
    content = read_preset(preset)
    if "union" in content:
        return list(union_columns(preset))
    return [name for columns in _by_family(content).values() for name in columns]


def union_columns(preset: str) -> dict[str, tuple[str, str]]:
    """Return, per column of a union, the member that it comes from and its name there."""
    columns: dict[str, tuple[str, str]] = {}
    called: dict[str, str] = {}  # definition of a family to its name in the union
    taken: dict[str, str] = {}  # column to the definition of its family
    for member in read_preset(preset)["union"]:
        for prefix, names in _by_family(read_preset(member)).items():
            meaning = str(next(iter(names.values()))[:-1])
            clash = any(taken.get(name, meaning) != meaning for name in names)
            called.setdefault(meaning, f"{member}_{prefix}" if clash else prefix)
            for name in names:
                column = called[meaning] + name.removeprefix(prefix)
                taken[column] = meaning
                columns.setdefault(column, (member, name))
    return columns


def unite(preset: str, values: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return a union's columns from those of its members."""
    return {name: values[member][own] for name, (member, own) in union_columns(preset).items()}


def _split(content: dict, prefix: str, options: dict) -> tuple[str, dict, dict]:
    # Family, its keywords and its frame.
    common = ("family", "frame", "pool", "statistics")
    keywords = {key: value for key, value in options.items() if key not in common}
    return options.get("family", prefix), keywords, content["frame"] | options.get("frame", {})


def _pooled(rows: np.ndarray, pool: int | str | None) -> np.ndarray:
    if pool is None:
        return rows
    return rows.reshape(1 if pool == "all" else len(rows) // pool, -1)


def _names(prefix: str, statistic: str, count: int) -> list[str]:
    if statistic == "covariance":
        pairs = zip(*np.triu_indices(count), strict=True)
        return [f"{prefix}_{row + 1:02d}_{column + 1:02d}_covariance" for row, column in pairs]
    if count == 1:
        return [f"{prefix}_{statistic}"]
    return [f"{prefix}_{row:02d}_{statistic}" for row in range(1, count + 1)]


def _by_family(content: dict) -> dict[str, dict[str, tuple]]:
    # Key of a family to its columns, each with everything that its value depends on, the statistic last.
    found = {}
    for prefix, options in content["families"].items():
        family, keywords, frame = _split(content, prefix, options)
        parameters = inspect.signature(FAMILIES[family]).parameters.values()
        used = {each.name: each.default for each in parameters if each.default is not each.empty} | keywords
        count, pool = _ROWS.get(family, used.get("n", 1)), options.get("pool")
        if pool is not None:
            count = 1 if pool == "all" else count // pool
        elif family in _MFCC_FAMILIES:
            del used["n"]  # a coefficient does not depend on how many there are
        meaning = (family, sorted(used.items()), sorted(frame.items()), pool)
        columns = {prefix: (*meaning, None)} if family in _NUMBERS else {}
        for statistic in options.get("statistics", []):
            columns |= dict.fromkeys(_names(prefix, statistic, count), (*meaning, statistic))
        found[prefix] = columns
    return found
