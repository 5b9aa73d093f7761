"""Features equal plain librosa's, whatever the signal."""

from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import pytest
import soxr
from conftest import RATE, tone, write_wav

from songwise.audio import decode, load_clip
from songwise.clips import clip_path
from songwise.config import load_plan
from songwise.features import column_names, extract, extract_shard
from songwise.files import write_rows
from songwise.models import read_features

ROOT = Path(__file__).parents[1]
PRESETS = load_plan({"dataset": "demo", "models": "default"}, ROOT).presets
TOLERANCE = 1e-4
OPEN_MUSIC = ROOT.parent / "shared" / "audio" / "open-music"


def signals() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    chirp = np.sin(2 * np.pi * np.cumsum(np.linspace(100, 8000, 10 * RATE)) / RATE)
    return {
        "tone": tone(10, 440),
        "noise": 0.1 * rng.normal(size=10 * RATE + 1),
        "chirp": 0.3 * chirp,
        "odd length": tone(3.3337, 233),
        "quiet": 1e-4 * rng.normal(size=5 * RATE),
        "seven frames": tone(0.15, 330),
        "shorter than a window": tone(0.02, 500),
        "silence": np.zeros(3 * RATE),
    }


def real_clips() -> dict[str, np.ndarray]:
    """Ten seconds of one track of each artist of open-music, where its files are at hand."""
    found = {}
    for folder in sorted(path for path in OPEN_MUSIC.glob("*") if path.is_dir()):
        path = sorted(folder.glob("*.ogg"))[0]
        segment = decode(path, max_seconds=600).segment[5_000:15_000]
        samples = np.array(segment.get_array_of_samples(), np.float32).reshape(-1, segment.channels).mean(axis=1)
        found[path.stem] = soxr.resample(samples / 32768, segment.frame_rate, RATE)
    return found


SIGNALS = {name: samples.astype(np.float32) for name, samples in signals().items()}


def plain(y: np.ndarray) -> dict[str, dict[str, float]]:
    """Both presets, written the way a notebook writes them."""
    mfcc = librosa.feature.mfcc(y=y, sr=RATE, n_mfcc=20)
    one = {
        "chroma_stft_mean": librosa.feature.chroma_stft(y=y, sr=RATE).mean(),
        "rms_mean": librosa.feature.rms(y=y).mean(),
        "spectral_centroid_mean": librosa.feature.spectral_centroid(y=y, sr=RATE).mean(),
        "spectral_bandwidth_mean": librosa.feature.spectral_bandwidth(y=y, sr=RATE).mean(),
        "spectral_rolloff_mean": librosa.feature.spectral_rolloff(y=y, sr=RATE).mean(),
        "zero_crossing_rate_mean": librosa.feature.zero_crossing_rate(y).mean(),
    }
    means = {f"mfcc_{i + 1:02d}_mean": mfcc[i].mean() for i in range(20)}
    covariance = np.cov(mfcc) if mfcc.shape[1] > 1 else np.zeros((20, 20))  # NaN, where songwise answers 0
    two = dict(means)
    for i in range(20):
        for j in range(i, 20):
            two[f"mfcc_{i + 1:02d}_{j + 1:02d}_covariance"] = covariance[i, j]
    for name, order in (("mfcc_delta", 1), ("mfcc_delta2", 2)):
        # librosa raises below nine frames, where songwise answers 0.
        delta = librosa.feature.delta(mfcc, order=order) if mfcc.shape[1] >= 9 else np.zeros_like(mfcc)
        two |= {f"{name}_{i + 1:02d}_std": delta[i].std() for i in range(20)}
    return {"jlaoo26": one | means, "mfcccov": two}


@pytest.mark.filterwarnings("ignore:n_fft=.*too large", "ignore:Trying to estimate tuning")
@pytest.mark.parametrize("preset", ["jlaoo26", "mfcccov"])
def test_every_column_equals_plain_librosa(preset):
    assert_equal_to_librosa(SIGNALS, preset)


@pytest.mark.skipif(not OPEN_MUSIC.is_dir(), reason="the files of open-music are not beside the project")
@pytest.mark.parametrize("preset", ["jlaoo26", "mfcccov"])
def test_every_column_equals_plain_librosa_on_real_music(preset):
    assert_equal_to_librosa(real_clips(), preset)


def assert_equal_to_librosa(signals: dict[str, np.ndarray], preset: str) -> None:
    ours = pd.DataFrame([extract({RATE: y}, list(PRESETS.values()))[preset] for y in signals.values()])
    theirs = pd.DataFrame([plain(y)[preset] for y in signals.values()])
    assert list(ours.columns) == list(theirs.columns)
    assert np.isfinite(ours.to_numpy()).all()
    allowed = TOLERANCE * (theirs.abs() + theirs.std())
    difference = (ours - theirs).abs()
    assert (difference <= allowed).all(axis=None), (difference - allowed).max().nlargest(3)


def test_presets_have_the_published_number_of_columns():
    assert len(column_names(PRESETS["jlaoo26"])) == 26
    assert len(column_names(PRESETS["mfcccov"])) == 270
    assert column_names(PRESETS["mfcccov"])[20:22] == ["mfcc_01_01_covariance", "mfcc_01_02_covariance"]


def test_a_table_has_a_row_for_each_good_clip(tmp_path):
    clip_ids = ["b@0", "a/odd name@10000", "b@10000"]
    rows = [{"clip_id": clip_id, "status": "ok"} for clip_id in clip_ids]
    rows.append({"clip_id": "silent@0", "status": "quarantined"})
    write_rows(tmp_path / "clips.csv", ["clip_id", "status"], rows)
    for hertz, clip_id in zip((220, 440, 880), clip_ids, strict=True):
        write_wav(clip_path(tmp_path / "clips", clip_id), tone(1, hertz))
    tables = {name: tmp_path / name / "0.parquet" for name in PRESETS}
    extract_shard(
        clips_csv=tmp_path / "clips.csv",
        folder=tmp_path / "clips",
        presets=list(PRESETS.values()),
        tables=tables,
        title="test",
    )
    table = read_features([tables["jlaoo26"]])
    assert list(table.index) == sorted(clip_ids)
    assert table["spectral_centroid_mean"]["b@10000"] > table["spectral_centroid_mean"]["b@0"]


def test_a_clip_is_mixed_to_mono_and_resampled_without_aliases(tmp_path):
    t = np.arange(2 * 44_100) / 44_100
    high = 0.5 * np.sin(2 * np.pi * 15_000 * t)  # above half of 22,050 Hz: must vanish, not fold to 7 kHz
    low = 0.5 * np.sin(2 * np.pi * 1_000 * t)
    path = write_wav(tmp_path / "stereo.wav", np.stack([high, low], axis=1), rate=44_100)
    y = load_clip(path, RATE)
    assert y.dtype == np.float32 and y.shape == (2 * RATE,)
    spectrum = np.abs(np.fft.rfft(y)) / len(y) * 2
    assert spectrum[2_000] == pytest.approx(0.25, abs=0.01)  # half of 0.5, the other channel being elsewhere
    assert spectrum[2 * 7_050] < 1e-4
