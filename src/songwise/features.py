"""Stage 3, features: one row of named numbers a clip, equal to plain librosa's.

A preset (config/features/NAME.yaml) names families and statistics. Intermediate spectra are computed once
a clip and shared by all presets with the same audio and frame parameters.
"""

from functools import cache, cached_property
from pathlib import Path

from songwise.compiled import filling_cache  # isort: skip  (sets numba's cache before librosa wakes numba)

import librosa
import numpy as np
import pandas as pd

from songwise.audio import load_clip
from songwise.clips import clip_path
from songwise.files import read_rows, replacing
from songwise.jobs import Progress

_DELTA_WIDTH = 9  # frames, librosa's default; below it librosa raises and songwise answers 0


class Spectra:
    """What the families of one clip are made from, each computed when first asked for.

    Parameters
    ----------
    samples : float32, shape (n,).
    sample_rate : Hz.
    n_fft, hop_length : in samples.
    """

    def __init__(self, samples: np.ndarray, *, sample_rate: int, n_fft: int, hop_length: int):
        self.samples = samples
        self.sample_rate = sample_rate
        self.n_fft = n_fft
        self.hop_length = hop_length
        self._mfcc: dict[int, np.ndarray] = {}

    @cached_property
    def magnitude(self) -> np.ndarray:
        """|STFT|, shape (1 + n_fft/2, frames)."""
        return np.abs(librosa.stft(self.samples, n_fft=self.n_fft, hop_length=self.hop_length))

    @cached_property
    def power(self) -> np.ndarray:
        """|STFT| squared, shape (1 + n_fft/2, frames)."""
        return np.square(self.magnitude)

    @cached_property
    def mel_db(self) -> np.ndarray:
        """Mel power spectrogram in dB, shape (128, frames)."""
        return librosa.power_to_db(_mel_basis(self.sample_rate, self.n_fft) @ self.power)

    def mfcc(self, n: int) -> np.ndarray:
        """The first `n` MFCC, shape (n, frames)."""
        if n not in self._mfcc:
            self._mfcc[n] = librosa.feature.mfcc(S=self.mel_db, n_mfcc=n)
        return self._mfcc[n]


@cache
def _mel_basis(sample_rate: int, n_fft: int) -> np.ndarray:
    # librosa.feature.melspectrogram builds it anew for every clip.
    return librosa.filters.mel(sr=sample_rate, n_fft=n_fft)


def _delta(spectra: Spectra, n: int, order: int) -> np.ndarray:
    mfcc = spectra.mfcc(n)
    if mfcc.shape[1] < _DELTA_WIDTH:
        return np.zeros_like(mfcc)
    return librosa.feature.delta(mfcc, width=_DELTA_WIDTH, order=order)


def _chroma_stft(spectra: Spectra, n: int) -> np.ndarray:
    return librosa.feature.chroma_stft(S=spectra.power, sr=spectra.sample_rate, n_fft=spectra.n_fft)


def _centroid(spectra: Spectra, n: int) -> np.ndarray:
    return librosa.feature.spectral_centroid(S=spectra.magnitude, sr=spectra.sample_rate, n_fft=spectra.n_fft)


def _bandwidth(spectra: Spectra, n: int) -> np.ndarray:
    return librosa.feature.spectral_bandwidth(S=spectra.magnitude, sr=spectra.sample_rate, n_fft=spectra.n_fft)


def _rolloff(spectra: Spectra, n: int) -> np.ndarray:
    return librosa.feature.spectral_rolloff(S=spectra.magnitude, sr=spectra.sample_rate, n_fft=spectra.n_fft)


def _zero_crossing_rate(spectra: Spectra, n: int) -> np.ndarray:
    return librosa.feature.zero_crossing_rate(
        spectra.samples, frame_length=spectra.n_fft, hop_length=spectra.hop_length
    )


def _rms(spectra: Spectra, n: int) -> np.ndarray:
    return librosa.feature.rms(y=spectra.samples, frame_length=spectra.n_fft, hop_length=spectra.hop_length)


# Family name to a function of the spectra and the number of coefficients, giving (rows, frames).
FAMILIES = {
    "mfcc": lambda spectra, n: spectra.mfcc(n),
    "mfcc_delta": lambda spectra, n: _delta(spectra, n, order=1),
    "mfcc_delta2": lambda spectra, n: _delta(spectra, n, order=2),
    "chroma_stft": _chroma_stft,
    "spectral_centroid": _centroid,
    "spectral_bandwidth": _bandwidth,
    "spectral_rolloff": _rolloff,
    "zero_crossing_rate": _zero_crossing_rate,
    "rms": _rms,
}


def _covariance(rows: np.ndarray) -> np.ndarray:
    upper = np.triu_indices(len(rows))
    if rows.shape[1] < 2:
        return np.zeros(len(upper[0]))
    return np.cov(rows)[upper]


# Statistic name to a function of (rows, frames), giving one number a row; covariance one a pair of rows.
STATISTICS = {
    "mean": lambda rows: rows.mean(axis=1, dtype=np.float64),
    "std": lambda rows: rows.std(axis=1, dtype=np.float64),
    "var": lambda rows: rows.var(axis=1, dtype=np.float64),
    "min": lambda rows: rows.min(axis=1),
    "max": lambda rows: rows.max(axis=1),
    "median": lambda rows: np.median(rows, axis=1),
    "covariance": _covariance,
}


def extract(samples: dict[int, np.ndarray], presets: list[dict]) -> dict[str, dict[str, float]]:
    """The features of one clip.

    Parameters
    ----------
    samples : sample rate in Hz to the clip at that rate, float32, shape (n,), n >= 1.
    presets : contents of config/features files.

    Returns
    -------
    Preset name to column name to value. Columns are named family_index_statistic, the index (from 01) only
    where a family has several rows: mfcc_03_mean, mfcc_01_02_covariance, rms_mean.
    """
    shared: dict[tuple, Spectra] = {}
    found = {}
    for preset in presets:
        rate, frame = preset["audio"]["sample_rate"], preset["frame"]
        key = (rate, frame["n_fft"], frame["hop_length"])
        if key not in shared:
            shared[key] = Spectra(samples[rate], sample_rate=rate, n_fft=key[1], hop_length=key[2])
        found[preset["name"]] = _preset_columns(shared[key], preset["families"])
    return found


def _preset_columns(spectra: Spectra, families: dict) -> dict[str, float]:
    columns: dict[str, float] = {}
    for family, options in families.items():
        rows = FAMILIES[family](spectra, options.get("n", 0))
        if options.get("pool"):
            rows = rows.reshape(1, -1)
        for statistic in options["statistics"]:
            names = _names(family, statistic, len(rows))
            columns |= zip(names, STATISTICS[statistic](rows).tolist(), strict=True)
    return columns


def _names(family: str, statistic: str, count: int) -> list[str]:
    if statistic == "covariance":
        pairs = zip(*np.triu_indices(count), strict=True)
        return [f"{family}_{row + 1:02d}_{column + 1:02d}_covariance" for row, column in pairs]
    if count == 1:
        return [f"{family}_{statistic}"]
    return [f"{family}_{row:02d}_{statistic}" for row in range(1, count + 1)]


def extract_shard(*, clips_csv: Path, folder: Path, presets: list[dict], tables: dict[str, Path], title: str) -> None:
    """Write one Parquet table a preset: clip_id, then the preset's columns as float32, a row for each good clip.

    Parameters
    ----------
    clips_csv, folder : what `cut_shard` wrote.
    presets : contents of config/features files.
    tables : preset name to the file to write.
    title : for the progress display.

    Raises
    ------
    ArithmeticError : a feature is not finite, which no audible clip should give.
    """
    warm_up()
    clip_ids = [row["clip_id"] for row in read_rows(clips_csv) if row["status"] == "ok"]
    rates = {preset["audio"]["sample_rate"] for preset in presets}
    progress = Progress(f"features {title}", len(clip_ids), "clips")
    rows: dict[str, list[dict]] = {preset["name"]: [] for preset in presets}
    for clip_id in clip_ids:
        path = clip_path(folder, clip_id)
        values = extract({rate: load_clip(path, rate) for rate in rates}, presets)
        for name, columns in values.items():
            rows[name].append({"clip_id": clip_id, **columns})
        progress.step()
    for preset in presets:
        _write_table(rows[preset["name"]], preset, tables[preset["name"]])


def warm_up() -> None:
    """Have every family compiled, so that later processes find all in numba's cache: some 20 s the first time."""
    families = {name: {"n": 20, "statistics": ["mean"]} for name in sorted(FAMILIES)}
    audio, frame = {"sample_rate": 22050}, {"n_fft": 2048, "hop_length": 512}
    with filling_cache(" ".join(families)):
        column_names({"name": "all", "audio": audio, "frame": frame, "families": families})


def _write_table(rows: list[dict], preset: dict, path: Path) -> None:
    table = pd.DataFrame(rows, columns=["clip_id", *column_names(preset)])
    table = table.astype(dict.fromkeys(table.columns[1:], "float32"))
    finite = np.isfinite(table.iloc[:, 1:].to_numpy())
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise ArithmeticError(
            f"{table.columns[column + 1]} of preset {preset['name']} is not finite for {table['clip_id'][row]}"
        )
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False)


def column_names(preset: dict) -> list[str]:
    """The names of a preset's columns, in order."""
    noise = np.random.default_rng(0).normal(size=preset["frame"]["n_fft"]).astype(np.float32)
    return list(extract({preset["audio"]["sample_rate"]: noise}, [preset])[preset["name"]])
