"""Standardised clips do not depend on encoder and level; other tools than the module's own measure this."""

import re
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
import soxr
from helpers.sound import encode, tone

from songwise.audio.decode import decode
from songwise.datasets.demo import catalogue, synth
from songwise.features.standardise import DEFAULTS, standardised
from songwise.runtime import numba_cache  # noqa: F401  (numba's cache, before librosa)

RATE = 44_100
ALL = {"sample_rate": 22_050, "standardise": True}


def only(rate="native", **steps) -> dict:
    """An audio section with these steps and no other."""
    return {"sample_rate": rate, "standardise": dict.fromkeys(DEFAULTS) | steps}


def noise(seconds: float, rate: int = RATE, level: float = 0.1) -> np.ndarray:
    return (level * np.random.default_rng(0).normal(size=round(seconds * rate))).astype(np.float32)


def spectrum_db(samples: np.ndarray, rate: int, hertz: float) -> float:
    """Level of the bins around `hertz`, dB re full-scale sine; the edges, where a tone begins, left out."""
    middle = samples[len(samples) // 4 : -(len(samples) // 4)]
    found = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) * 4 / len(middle)
    at = round(hertz * len(middle) / rate)
    return 20 * np.log10(found[at - 3 : at + 4].max() + 1e-12)


def ebur128(samples: np.ndarray, rate: int) -> float:
    """Integrated loudness in LUFS as ffmpeg's meter has it, to a tenth."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostats", "-f", "f32le", "-ar", str(rate), "-ac", "1"]
    command += ["-i", "pipe:0", "-filter_complex", "ebur128=framelog=quiet", "-f", "null", "-"]
    done = subprocess.run(command, input=samples.astype("<f4").tobytes(), capture_output=True, check=True)
    return float(re.findall(rb"I: +(-?[\d.]+) LUFS", done.stderr)[-1])


def describe(samples: np.ndarray, rate: int) -> np.ndarray:
    """Mean and deviation of 20 MFCC and of the rms, as the presets have them."""
    import librosa

    rows = [*librosa.feature.mfcc(y=samples, sr=rate), 100 * librosa.feature.rms(y=samples)[0]]
    return np.array([(row.mean(), row.std()) for row in rows]).ravel()


@pytest.fixture(scope="module")
def encodings(tmp_path_factory) -> tuple[np.ndarray, np.ndarray]:
    """Ten seconds of one song at 22,050 Hz: as it is, and as a quieter low-rate mp3 with silence in front."""
    folder = tmp_path_factory.mktemp("encodings")
    track = catalogue.track_rows("bands", seed=0)[0]["track_id"]
    synth.write_track("bands", track, folder / "song.wav", seed=0)
    filters = ("-af", "atrim=5:15,asetpts=PTS-STARTPTS")
    one = encode(folder / "song.wav", folder / "one.wav", *filters)
    quieter = ("-af", "lowpass=f=9000:p=2,lowpass=f=9000:p=2,volume=-6dB,adelay=700")
    other = encode(one, folder / "other.mp3", *quieter, "-b:a", "64k")
    segments = [decode(path, max_seconds=60).segment for path in (one, other)]
    assert [(segment.frame_rate, segment.channels) for segment in segments] == [(22_050, 1)] * 2
    return tuple(np.array(segment.get_array_of_samples(), np.float32) / 32_768 for segment in segments)


def test_two_encodings_of_the_same_song_become_similar(encodings):
    def distance(audio: dict) -> np.ndarray:
        one, other = (describe(*standardised(samples, 22_050, audio)) for samples in encodings)
        return np.abs(one - other)

    before, after = distance({"sample_rate": 22_050, "standardise": False}), distance(ALL)
    assert before.max() > 50 and np.median(before) > 2
    assert after.max() < 1.5 and np.median(after) < 0.5  # dB, and hundredths of rms


def test_without_standardise_a_clip_is_only_resampled():
    samples = noise(1.2345)
    resampled = soxr.resample(samples, RATE, 22_050, quality="HQ")
    for audio in ({"sample_rate": 22_050}, {"sample_rate": 22_050, "standardise": False}, only(22_050)):
        found, rate = standardised(samples, RATE, audio)
        assert rate == 22_050 and found.dtype == np.float32
        np.testing.assert_array_equal(found, resampled)
    found, rate = standardised(samples, RATE, {"sample_rate": "native"})
    assert found is samples and rate == RATE


@pytest.mark.parametrize("steps", [ALL["standardise"], {"low_pass": 8_000, "trim": None, "loudness": None}])
def test_a_tone_above_the_cutoff_is_removed_and_one_below_stays(steps):
    t = np.arange(5 * RATE) / RATE
    # Faded in and out: the click of a sudden start has all frequencies.
    high = (0.5 * np.hanning(len(t)) * np.sin(2 * np.pi * 12_000 * t)).astype(np.float32)
    low = (0.05 * np.sin(2 * np.pi * 7_500 * t)).astype(np.float32)
    found, rate = standardised(high + low, RATE, {"sample_rate": "native", "standardise": steps})
    assert spectrum_db(found, rate, 12_000) < spectrum_db(found, rate, 7_500) - 75  # of 120, the tone being 20 louder
    alone, _ = standardised(high, RATE, {"sample_rate": "native", "standardise": steps})
    assert spectrum_db(alone, rate, 12_000) < -95  # and is not made loud again


def test_the_low_pass_does_not_shift_and_stays_below_half_the_rate():
    impulse = np.zeros(2001, np.float32)
    impulse[700] = 1
    for rate in (4_000, 8_000, 16_000, 22_050, 96_000):
        found, _ = standardised(impulse, rate, only(rate, low_pass=8_000))
        assert found.shape == impulse.shape and found.argmax() == 700
        np.testing.assert_allclose(found[600:700], found[800:700:-1], atol=1e-7)  # no phase
        gain = np.abs(np.fft.rfft(found, 1 << 16))
        hertz = np.fft.rfftfreq(1 << 16, 1 / rate)
        cut = min(8_000, 0.45 * rate)
        assert gain[hertz < 0.94 * cut] == pytest.approx(1, abs=1e-4)
        assert np.interp(cut, hertz, gain) == pytest.approx(0.5, abs=0.01)
        assert gain[hertz > 1.06 * cut].max() < 2e-5


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
@pytest.mark.parametrize("target", [-23, -14])
def test_the_loudness_equals_that_of_another_meter(rate, target):
    samples = soxr.resample(noise(6) + tone(6, 220, RATE).astype(np.float32), RATE, rate)
    samples[: 2 * rate] *= 0.03  # gated, by the relative threshold
    for level in (1, 1e-2):
        found, _ = standardised(level * samples, rate, only(rate, loudness=target))
        assert found.dtype == np.float32
        assert ebur128(found, rate) == pytest.approx(target, abs=0.11)


def test_a_clip_shorter_than_a_block_gets_the_same_level():
    long, short = noise(5, 22_050), noise(0.1, 22_050)
    found = [standardised(samples, 22_050, only(loudness=-23))[0] for samples in (long, short)]
    levels = [10 * np.log10(np.square(samples).mean()) for samples in found]
    assert levels[1] == pytest.approx(levels[0], abs=0.5)


def test_rates_below_the_shelf_filter_of_the_meter_are_measured_too():
    tones = (tone(3, 220, rate).astype(np.float32) for rate in (2_000, 22_050))
    low, high = (
        standardised(y, rate, only(rate, loudness=-23))[0] for y, rate in zip(tones, (2_000, 22_050), strict=True)
    )
    assert np.std(low) == pytest.approx(np.std(high), rel=0.05)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (0.5, 0), (0.7, 1.3), (0, 0.4)])
def test_silence_is_trimmed_as_librosa_does_at_any_level(before, after):
    import librosa

    loud = noise(2)
    loud[: RATE // 4] *= 1e-2  # 40 dB below the rest: no silence
    parts = [np.zeros(round(RATE * before)), loud, np.zeros(round(RATE * after))]
    samples = np.concatenate(parts).astype(np.float32) + 1e-6 * noise(2 + before + after)
    expected, (start, stop) = librosa.effects.trim(samples, top_db=60)
    for level in (1, 1e-3):
        found, _ = standardised(level * samples, RATE, only(trim=60))
        np.testing.assert_array_equal(found, level * samples[start:stop])
    assert abs(len(expected) - 2 * RATE) < 3 * 2048
    for quiet in (1e-2 * samples, np.full(3_000, 0.1, np.float32)):
        assert len(standardised(quiet, RATE, only(trim=1e-3))[0]) >= 512  # never to nothing


@pytest.mark.parametrize("rate", [2_000, 8_000, RATE])
@pytest.mark.parametrize("count", [1, 2, 300, 513, 4_411])
def test_short_and_odd_clips_stay_finite_and_complete(rate, count):
    samples = noise(1, 5_000)[:count]
    found, _ = standardised(samples, rate, ALL | {"sample_rate": rate})
    assert found.shape == (count,) and found.dtype == np.float32 and np.isfinite(found).all() and found.any()


@pytest.mark.parametrize("audio", [ALL, only(loudness=-23), only(low_pass=500, loudness=0)])
def test_silence_stays_silence(audio):
    found, _ = standardised(np.zeros(5_001, np.float32), RATE, audio)
    assert not found.any() and len(found) in (5_001, 2_501)
    faint, _ = standardised(noise(2, level=1e-5), RATE, only(loudness=-23))
    np.testing.assert_array_equal(faint, noise(2, level=1e-5))
    for smallest in (np.full(9, 1e-44, np.float32), np.full(1, 1e-45, np.float32), np.zeros(0, np.float32)):
        found, _ = standardised(smallest, RATE, audio | {"sample_rate": "native"})
        assert found.shape == smallest.shape and not np.any(np.abs(found) > 1e-40)


def test_steps_that_are_not_given_keep_their_defaults():
    samples = noise(1)
    every, _ = standardised(samples, RATE, ALL | {"standardise": {"loudness": -20}})
    expected, _ = standardised(samples, RATE, ALL | {"standardise": DEFAULTS | {"loudness": -20}})
    np.testing.assert_array_equal(every, expected)
