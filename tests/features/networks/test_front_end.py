"""What networks are fed equals librosa's, the reference implementations', and Pillow's."""

from pathlib import Path

import librosa
import numpy as np
import pytest
from helpers.sound import tone
from helpers.tiny_networks import MEL, PICTURE, WAVEFORM, network
from PIL import Image

from songwise.features.dsp.mel_filters import mel_filters
from songwise.features.networks.front_end import front_end, picture
from songwise.features.preset_files import load_network

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT.parent / "shared" / "models" / "reference.npz"
needs_reference = pytest.mark.skipif(not REFERENCE.is_file(), reason="the reference outputs are not beside the project")


def sound(seconds: float = 2, rate: int = 16_000) -> np.ndarray:
    return tone(seconds, 330, rate).astype(np.float32)


def kaldi_filters(bands: int, n_fft: int, rate: int, low: float, high: float) -> np.ndarray:
    """Kaldi's filters, bin by bin as its documentation has them, without the bin at half the rate."""

    def mel(hertz):
        return 1127 * np.log(1 + hertz / 700)

    step = (mel(high) - mel(low)) / (bands + 1)
    filters = np.zeros((bands, n_fft // 2 + 1))
    for band in range(bands):
        left, centre, right = (mel(low) + step * (band + corner) for corner in range(3))
        for index in range(n_fft // 2):
            at = mel(index * rate / n_fft)
            filters[band, index] = max(0, min((at - left) / (centre - left), (right - at) / (right - centre)))
    return filters


def efficientat(samples: np.ndarray) -> np.ndarray:
    """The front end of EfficientAT as its code describes it, with librosa's transform."""
    emphasised = np.convolve(samples.astype(np.float64), [1, -0.97], mode="valid")
    window = np.pad(np.hanning(800), 112)
    spectrum = librosa.stft(emphasised, n_fft=1024, hop_length=320, window=window, pad_mode="reflect")
    energies = kaldi_filters(128, 1024, 32_000, 0, 15_000) @ np.abs(spectrum) ** 2
    return ((np.log(energies + 1e-5) + 4.5) / 5).T


def musicnn(samples: np.ndarray) -> np.ndarray:
    """The front end of musicnn as its code has it, without its rounding to float16."""
    mel = librosa.feature.melspectrogram(y=samples, sr=16_000, n_fft=512, hop_length=256, n_mels=96)
    return np.log10(10_000 * mel + 1).T


@pytest.mark.parametrize(("name", "plain"), [("efficientat_mn04", efficientat), ("musicnn", musicnn)])
@pytest.mark.parametrize("seconds", [0.05, 1, 2.3337])
def test_shipped_front_ends_equal_plain_ones(name, plain, seconds):
    content = load_network(name, ROOT)
    samples = sound(seconds, content["front_end"]["sample_rate"])
    rows = front_end(content)(samples)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, plain(samples), atol=1e-4)


@needs_reference
def test_shipped_front_ends_equal_the_reference_implementations():
    reference = np.load(REFERENCE)
    rows = front_end(load_network("efficientat_mn04", ROOT))(reference["mn04_input"])
    assert len(rows) == reference["mn04_frames"]
    np.testing.assert_allclose(rows.mean(axis=0), reference["mn04_spectrogram_mean"], atol=1e-4)
    rows = front_end(load_network("musicnn", ROOT))(reference["musicnn_input"])
    np.testing.assert_allclose(rows[:187], reference["musicnn_first_patch"], atol=1e-4)


@pytest.mark.parametrize("norm", ["slaney", None])
@pytest.mark.parametrize("htk", [True, False])
@pytest.mark.parametrize(("low", "high"), [(0, None), (125, 7500)])
def test_mel_filters_equal_librosa_s(norm, htk, low, high):
    formula = "htk" if htk else "slaney"
    settings = network(MEL | {"formula": formula, "norm": norm, "fmin": low, "fmax": high})["front_end"]
    theirs = librosa.filters.mel(sr=16_000, n_fft=512, n_mels=40, fmin=low, fmax=high, htk=htk, norm=norm)
    np.testing.assert_allclose(mel_filters(settings), theirs, atol=1e-6)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("pad", ["reflect", "constant"])
@pytest.mark.parametrize("power", [1, 2])
def test_frames_equal_librosa_s(center, pad, power):
    settings = MEL | {"center": center, "pad": pad, "power": power, "win_length": 400}
    settings |= {"compression": {"kind": "none", "offset": 0}}
    theirs = librosa.feature.melspectrogram(
        y=sound(),
        sr=16_000,
        n_fft=512,
        win_length=400,
        hop_length=256,
        n_mels=40,
        center=center,
        pad_mode=pad,
        power=power,
    )
    np.testing.assert_allclose(front_end(network(settings))(sound()), theirs.T, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("power", [1, 2])
def test_decibels_equal_librosa_s(power):
    settings = MEL | {"pad": "constant", "power": power, "compression": {"kind": "db"}}
    if power == 1:
        settings["compression"]["offset"] = 1e-5
    mel = librosa.feature.melspectrogram(y=sound(), sr=16_000, n_fft=512, hop_length=256, n_mels=40, power=power)
    convert = librosa.power_to_db if power == 2 else librosa.amplitude_to_db
    np.testing.assert_allclose(front_end(network(settings))(sound()), convert(mel, top_db=None).T, atol=1e-3)


def test_a_waveform_is_the_samples_themselves_or_has_a_peak_of_one():
    samples = sound()
    np.testing.assert_array_equal(front_end(network(WAVEFORM))(samples), samples)
    loud = front_end(network(WAVEFORM | {"level": "peak"}))
    assert np.abs(loud(samples)).max() == 1
    assert not loud(np.zeros(9, np.float32)).any()


def test_a_picture_is_the_mel_spectrogram_in_decibels_as_pillow_resizes_it():
    content = network(PICTURE | {"height": 24})
    energies = front_end(content)(sound())
    ours = picture(energies, content["front_end"])
    mel = librosa.feature.melspectrogram(y=sound(), sr=16_000, n_fft=512, hop_length=256, n_mels=40, pad_mode="reflect")
    grey = 1 + librosa.power_to_db(mel, ref=np.max) / 80
    resized = np.asarray(Image.fromarray(grey[::-1].astype(np.float32)).resize((48, 24), Image.Resampling.BILINEAR))
    assert ours.shape == (3, 24, 48) and ours.dtype == np.float32
    for colour, mean, deviation in zip(ours, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True):
        np.testing.assert_allclose(colour * deviation + mean, resized, atol=1e-3)


def test_silence_is_a_black_picture():
    content = network(PICTURE)
    black = picture(front_end(content)(np.zeros(16_000, np.float32)), content["front_end"])
    np.testing.assert_allclose(black[0], -0.485 / 0.229, rtol=1e-5)
