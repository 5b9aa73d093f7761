"""Filters and windows equal librosa's and SciPy's to the bit, although neither is imported to compute them."""

import subprocess
import sys

import librosa
import numpy as np
import pytest
import scipy.signal

from songwise.features.dsp import fourier, mel, pitch

RATES = (8_000, 16_000, 22_050, 44_100, 48_000, 96_000)
TUNINGS = (-0.5, -0.13, 0.0, 0.31)


@pytest.mark.parametrize("length", [2, 43, 400, 441, 2048, 4095])
def test_hann_windows_equal_scipy(length):
    np.testing.assert_array_equal(fourier.hann_window(length), scipy.signal.get_window("hann", length))
    symmetric = scipy.signal.get_window("hann", length, fftbins=False)
    np.testing.assert_array_equal(fourier.hann_window(length, symmetric=True), symmetric)


@pytest.mark.filterwarnings("ignore:Empty filters")
@pytest.mark.parametrize("n_fft", [400, 2048, 4096])
@pytest.mark.parametrize("rate", RATES)
def test_mel_filters_equal_librosa(rate, n_fft):
    for n in (13, 40, 128):
        theirs = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n)
        np.testing.assert_array_equal(mel.mel_filters(rate, n_fft, n), theirs)


@pytest.mark.parametrize("hertz", [0.0, 440.0, 999.9, 1000.0, 11_025.0])
def test_the_mel_scale_equals_librosa(hertz):
    assert mel.hertz_to_mel(hertz) == librosa.hz_to_mel(hertz)


@pytest.mark.parametrize("order", [1, 2])
def test_deltas_equal_scipy(order):
    rows = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)
    theirs = scipy.signal.savgol_filter(rows, mel.DELTA_WIDTH, polyorder=order, deriv=order, mode="interp")
    np.testing.assert_allclose(mel.delta(rows, order), theirs, atol=1e-6)


@pytest.mark.parametrize("n_fft", [400, 2048, 4096])
@pytest.mark.parametrize("rate", RATES)
def test_chroma_filters_equal_librosa(rate, n_fft):
    for tuning in TUNINGS:
        theirs = librosa.filters.chroma(sr=rate, n_fft=n_fft, tuning=tuning)
        np.testing.assert_array_equal(pitch.chroma_filters(rate, n_fft, tuning), theirs)


@pytest.mark.parametrize("bins", [12, 24, 36, 48, 60])
def test_the_folding_of_octaves_equals_librosa(bins):
    theirs = librosa.filters.cq_to_chroma(7 * bins, bins_per_octave=bins)
    np.testing.assert_array_equal(pitch.octave_fold(7 * bins, bins), theirs)


@pytest.mark.parametrize("bins", [12, 36])
def test_the_tuning_equals_librosa(bins):
    hertz = np.random.default_rng(bins).uniform(150, 4000, 300).astype(np.float32)
    heights = np.ones(300, np.float32)  # none is louder than another
    theirs = librosa.pitch_tuning(hertz, resolution=0.01, bins_per_octave=bins)
    assert pitch.estimate_tuning((hertz, heights), bins) == theirs


def test_extraction_imports_neither_librosa_nor_scipys_filters():
    """Together they take over a second per job, which small shards spend mostly on starting."""
    code = (
        "import sys, numpy as np, songwise.features.extract as e; e.warm_up();"
        "family = {'prefix': 'f', 'frame': {'n_fft': 2048, 'hop_length': 512}, 'pool': 1, 'statistics': ['mean']};"
        "options = [('mfcc_delta', {'n': 20, 'part': 'whole'}), ('chroma_stft', {'power': 2}),"
        " ('chroma_cens', {'bins_per_octave': 36}), ('onset_strength', {'aggregate': 'mean'})];"
        "families = [family | {'family': name, 'options': given} for name, given in options];"
        "e.Extractor([{'name': 'p', 'audio': {'sample_rate': 22050}, 'families': families}])"
        "(np.ones(22050, np.float32), 22050);"
        "slow = ('librosa', 'scipy.signal', 'scipy.stats', 'pandas', 'sklearn', 'matplotlib');"
        "sys.exit(' '.join(name for name in slow if name in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
