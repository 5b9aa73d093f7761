"""Features equal those of plain librosa for every kind of signal; tests/plain.py computes them as a notebook does."""

import json
import tracemalloc
from functools import cache
from pathlib import Path
from typing import get_args

import librosa
import numpy as np
import pandas as pd
import plain
import pytest
import soxr
import yaml
from helpers.sound import RATE, load_clip, tone, write_wav
from pyarrow import parquet

from songwise.audio.decode import decode
from songwise.features.dsp import constantq, medians, moments
from songwise.features.extract import extract, extract_shard
from songwise.features.families import rows_of
from songwise.features.frames import Frames
from songwise.features.matrix import read_features
from songwise.features.preset_files import load_preset
from songwise.features.presets import column_names
from songwise.features.spectra import Clip
from songwise.features.standardise import standardised
from songwise.features.tables import TableWriter
from songwise.schemas.preset import Statistic

ROOT = Path(__file__).parents[2]
OPEN_MUSIC = ROOT.parent / "shared" / "audio" / "open-music"
COUNTS = {"jlaoo26": 26, "mfcccov": 270, "kaggle57": 57, "fma518": 518, "kelly": 1151, "capstone": 3445}
PRESETS = {name: load_preset(name, ROOT) for name in [*COUNTS, "all"]}
TOLERANCE = 1e-4

# librosa's warnings on signals that are shorter than its windows, or that have no pitch.
pytestmark = [
    pytest.mark.filterwarnings("ignore:n_fft=.*too large"),
    pytest.mark.filterwarnings("ignore:Trying to estimate tuning"),
]


def signals(rate: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    sweep = np.sin(2 * np.pi * np.cumsum(np.linspace(100, 3500, 3 * rate)) / rate)
    pulses = np.zeros(4 * rate)
    pulses[:: rate // 2] = 0.9
    return {
        "tone": tone(3, 440, rate),
        "pure tone": 0.5 * np.sin(2 * np.pi * 523.25 * np.arange(2 * rate) / rate),
        "noise": 0.1 * rng.normal(size=3 * rate + 1),
        "sweep": 0.3 * sweep + 1e-3 * rng.normal(size=len(sweep)),
        "pulses": pulses + 1e-3 * rng.normal(size=len(pulses)),
        "odd length": tone(1.3337, 233, rate),
        "quiet": 1e-4 * rng.normal(size=2 * rate),
        "seven frames": tone(0.15, 330, rate),
        "shorter than a window": tone(0.02, 500, rate),
        "silence": np.zeros(rate),
    }


@cache
def real_clips() -> dict[str, np.ndarray]:
    """Three seconds of one track of each artist of open-music, if its files are there."""
    found = {}
    for folder in sorted(path for path in OPEN_MUSIC.glob("*") if path.is_dir()):
        path = sorted(folder.glob("*.ogg"))[0]
        segment = decode(path, max_seconds=600).segment[20_000:23_000]
        samples = np.array(segment.get_array_of_samples(), np.float32).reshape(-1, segment.channels).mean(axis=1)
        found[path.stem] = soxr.resample(samples / 32768, segment.frame_rate, RATE)
    return found


def as_float32(clips: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: samples.astype(np.float32) for name, samples in clips.items()}


def assert_equal_to_librosa(clips: dict[str, np.ndarray], preset: str, rate: int = RATE) -> None:
    ours = pd.DataFrame([extract(y, rate, [PRESETS[preset]])[preset] for y in clips.values()], index=list(clips))
    # Statistics in double precision: the tolerance is for what we compute, not for how numpy adds float32.
    theirs = pd.DataFrame([plain.plain(preset, y, rate, dtype=np.float64) for y in clips.values()], index=list(clips))
    assert list(ours.columns) == list(theirs.columns)
    assert np.isfinite(ours.to_numpy()).all()
    beyond = (ours - theirs).abs() - TOLERANCE * (theirs.abs() + theirs.std())
    assert (beyond <= 0).all(axis=None), beyond.stack().nlargest(5)


@pytest.mark.parametrize("preset", COUNTS)
def test_every_column_equals_plain_librosa(preset):
    assert_equal_to_librosa(as_float32(signals(RATE)), preset)


@pytest.mark.skipif(not OPEN_MUSIC.is_dir(), reason="the files of open-music are not beside the project")
@pytest.mark.parametrize("preset", COUNTS)
def test_every_column_equals_plain_librosa_on_real_music(preset):
    assert_equal_to_librosa(real_clips(), preset)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_the_native_rate_is_that_of_the_file(rate):
    clips = as_float32({name: y for name, y in signals(rate).items() if name in ("tone", "sweep", "odd length")})
    assert_equal_to_librosa(clips, "fma518", rate)


def test_a_native_rate_below_22050_hz_is_raised_to_it():
    y = tone(1, 440, 8000).astype(np.float32)
    up = soxr.resample(y, 8000, 22_050, quality="HQ")
    assert extract(y, 8000, [PRESETS["fma518"]]) == extract(up, 22_050, [PRESETS["fma518"]])


def test_a_user_s_own_preset_equals_librosa_too(tmp_path, monkeypatch):
    # Other windows and hops, families that no published preset has, and names that the user chooses.
    content = {
        "name": "mine",
        "audio": {"sample_rate": 16_000},
        "frame": {"n_fft": 4096, "hop_length": 1024},
        "families": {
            "onset_strength": {"statistics": ["mean", "max"]},
            "onset_median": {"family": "onset_strength", "aggregate": "median", "statistics": ["std"]},
            "chroma_cqt": {"statistics": ["mean"]},
            "chroma_cqt_12": {"family": "chroma_cqt", "bins_per_octave": 12, "statistics": ["mean"]},
            "mel": {"n": 40, "statistics": ["mean", "median"]},
            "mfcc": {"n": 13, "frame": {"n_fft": 400, "hop_length": 160}, "statistics": ["mean", "covariance"]},
            "percussive_waveform": {"statistics": ["std"]},
            "tempo": {},
        },
    }
    (tmp_path / "config/features").mkdir(parents=True)
    (tmp_path / "config/features/mine.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    monkeypatch.setattr(plain, "PRESETS", tmp_path / "config/features")
    monkeypatch.setitem(PRESETS, "mine", load_preset("mine", tmp_path))
    clips = {str(hertz): tone(4, hertz, 16_000).astype(np.float32) for hertz in (220, 440)}
    assert_equal_to_librosa(clips, "mine", 16_000)


@pytest.mark.parametrize("preset", PRESETS)
def test_columns_have_the_documented_names(preset):
    names = column_names(PRESETS[preset])
    assert names == plain.plain_columns(preset)
    assert len(names) == len(set(names)) == COUNTS.get(preset, 4979)


def test_names_are_family_index_and_statistic():
    assert column_names(PRESETS["mfcccov"])[20:22] == ["mfcc_01_01_covariance", "mfcc_01_02_covariance"]
    assert column_names(PRESETS["fma518"])[:2] == ["chroma_cens_01_mean", "chroma_cens_02_mean"]
    assert {"rms_std", "fma518_rms_std", "kelly_tonnetz_06_max"} <= set(column_names(PRESETS["all"]))


def test_a_union_has_its_members_numbers_once():
    y = tone(3, 330).astype(np.float32)
    together = extract(y, RATE, [PRESETS["all"]])["all"]
    alone = {member: extract(y, RATE, [PRESETS[member]])[member] for member in COUNTS}
    assert together == plain.unite("all", alone)


def test_presets_do_not_depend_on_others_that_are_extracted_with_them():
    y = tone(2, 330).astype(np.float32)
    together = extract(y, RATE, list(PRESETS.values()))
    for name, preset in PRESETS.items():
        assert together[name] == extract(y, RATE, [preset])[name]


@pytest.mark.parametrize("shape", [(40, 300), (5, 1025), (1, 33), (130, 7), (300, 129)])
def test_running_medians_equal_scipy_to_the_bit(shape):
    from scipy.ndimage import median_filter

    S = np.random.default_rng(0).random(shape).astype(np.float32)
    S[S < 0.2] = 0  # ties
    np.testing.assert_array_equal(medians.along_frames(S), median_filter(S, size=(31, 1), mode="reflect"))
    np.testing.assert_array_equal(medians.along_bins(S), median_filter(S, size=(1, 31), mode="reflect"))


@pytest.mark.parametrize("tuned", [-0.5, 0.0, 0.31])
@pytest.mark.parametrize(("rate", "bins"), [(22_050, 12), (22_050, 36), (44_100, 36), (96_000, 12)])
def test_the_constant_q_transform_equals_librosa(rate, bins, tuned):
    y = as_float32(signals(rate))["sweep"][: 2 * rate]
    theirs = np.abs(librosa.cqt(y, sr=rate, n_bins=7 * bins, bins_per_octave=bins, tuning=tuned))
    ours = constantq.cqt(constantq.pyramid(y, rate, 512), bins, tuned)
    np.testing.assert_allclose(ours, theirs, atol=2e-6 * theirs.max())


def test_digital_silence_within_a_clip_has_no_pitch():
    # librosa scales its rounding noise to 1 there. All other columns equal librosa's.
    y = np.concatenate([tone(1, 330), np.zeros(3 * RATE), tone(1, 440)]).astype(np.float32)
    clip = Clip(y, RATE)
    rows = rows_of(clip, "chroma_cqt", frame={"n_fft": 2048, "hop_length": 512}, options={"bins_per_octave": 12})
    assert rows[:, : RATE // 512 - 4].max(axis=0).min() == 1
    assert not rows[:, RATE // 512 + 50 : 4 * RATE // 512 - 50].any()
    ours = extract(y, RATE, [PRESETS["fma518"]])["fma518"]
    theirs = plain.plain("fma518", y, RATE, dtype=np.float64)
    for name in ours:
        if not name.startswith(("chroma_c", "tonnetz")):
            assert ours[name] == pytest.approx(theirs[name], rel=1e-4, abs=1e-4), name


def test_statistics_of_constant_rows_are_defined():
    rows = np.float32([[3, 3, 3, 3], [0, 0, 0, 0]])
    for values in moments.summarise(rows, list(moments.STATISTICS)).values():
        assert np.isfinite(values).all()
    assert set(moments.STATISTICS) == set(get_args(Statistic))


def test_a_table_has_one_row_per_good_clip(tmp_path):
    clip_ids = ["b@0", "a/odd name@10000", "b@10000"]
    clips = []
    for hertz, clip_id in zip((220, 440, 880), clip_ids, strict=True):
        path = write_wav(tmp_path / f"{hertz}.wav", tone(1, hertz))
        clips.append((clip_id, decode(path, max_seconds=10).segment))
    framed = PRESETS["mfcccov"] | {
        "frames": {"dtype": "float32", "families": {"log_mel": {"n": 64}, "mfcc": {"n": 20}}}
    }
    some = [PRESETS["jlaoo26"], framed]
    tables = {preset["name"]: tmp_path / preset["name"] / "0.parquet" for preset in some}
    frames = {"mfcccov": tmp_path / "0.frames.arrow"}
    extract_shard(clips, presets=some, tables=tables, frames=frames, title="test")
    table = read_features([tables["jlaoo26"]])
    assert list(table.index) == sorted(clip_ids)
    assert list(table.columns) == column_names(PRESETS["jlaoo26"])
    assert table["spectral_centroid_mean"]["b@10000"] > table["spectral_centroid_mean"]["b@0"]
    recorded = json.loads(parquet.read_schema(tables["jlaoo26"]).metadata[b"songwise.preset"])
    assert recorded["audio"] == {"sample_rate": RATE, "standardise": False}
    matrices = Frames(frames["mfcccov"])
    assert list(matrices) == clip_ids
    y, rate = load_clip(tmp_path / "220.wav")
    mel = librosa.feature.melspectrogram(y=y, sr=rate, n_mels=64)
    np.testing.assert_allclose(matrices["b@0"]["log_mel"].T, librosa.power_to_db(mel), atol=1e-3)
    np.testing.assert_allclose(matrices["b@0"]["mfcc"].T, librosa.feature.mfcc(y=y, sr=rate), atol=1e-3)


def test_a_preset_of_frames_alone_writes_the_samples_and_a_table_without_columns(tmp_path):
    path = write_wav(tmp_path / "a.wav", tone(1, 440))
    preset = load_preset("frames_waveform", ROOT)
    table, frames = tmp_path / "0.parquet", tmp_path / "0.frames.arrow"
    clips = [("a@0", decode(path, max_seconds=10).segment)]
    extract_shard(
        clips, presets=[preset], tables={"frames_waveform": table}, frames={"frames_waveform": frames}, title=""
    )
    assert read_features([table]).shape == (1, 0)
    samples, rate = standardised(*load_clip(path), preset["audio"])
    assert rate == 8000
    np.testing.assert_array_equal(Frames(frames)["a@0"]["waveform"], samples[:, None].astype(np.float16))
    padded = Frames(frames).padded(["a@0"], "waveform", 9000)
    assert padded.shape == (1, 9000, 1) and not padded[0, 8000:].any()


def test_a_clip_is_mixed_to_mono_and_resampled_without_aliases(tmp_path):
    t = np.arange(2 * 44_100) / 44_100
    high = 0.5 * np.sin(2 * np.pi * 15_000 * t)  # above half of 22,050 Hz: must vanish, not fold to 7 kHz
    low = 0.5 * np.sin(2 * np.pi * 1_000 * t)
    path = write_wav(tmp_path / "stereo.wav", np.stack([high, low], axis=1), rate=44_100)
    y, rate = standardised(*load_clip(path), PRESETS["jlaoo26"]["audio"])
    assert rate == RATE and y.dtype == np.float32 and y.shape == (2 * RATE,)
    spectrum = np.abs(np.fft.rfft(y)) / len(y) * 2
    assert spectrum[2_000] == pytest.approx(0.25, abs=0.01)  # half of 0.5, the other channel being elsewhere
    assert spectrum[2 * 7_050] < 1e-4


def test_a_table_of_many_clips_is_complete_and_takes_no_more_memory(tmp_path):
    preset = PRESETS["kelly"]
    rng = np.random.default_rng(0)
    with TableWriter(tmp_path / "0.parquet", preset) as table:
        tracemalloc.start()
        for row in range(2500):
            table.add(f"clip@{row}", rng.random(preset["columns"]))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 4e6  # all of it is 11.5 MB
    read = read_features([tmp_path / "0.parquet"])
    assert read.shape == (2500, preset["columns"]) and read.index.is_unique


def test_a_number_that_is_not_finite_is_named_and_leaves_no_table(tmp_path):
    numbers = np.zeros(26)
    numbers[3] = np.nan
    message = r"spectral_bandwidth_mean of preset jlaoo26 is not finite for song@0"
    path = tmp_path / "0.parquet"
    with pytest.raises(ArithmeticError, match=message), TableWriter(path, PRESETS["jlaoo26"]) as table:
        table.add("song@0", numbers)
    assert not list(tmp_path.iterdir())
