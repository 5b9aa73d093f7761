"""The columns of logmel128 are the mean and the deviation of what EfficientAT's networks are fed."""

from pathlib import Path

import numpy as np
import pytest
from helpers.networks import efficientat_features, reference_signal

from songwise.features.dsp.kaldi_log_mel import kaldi_log_mel
from songwise.features.extract import extract
from songwise.features.preset_files import load_preset

PRESET = load_preset("logmel128", Path(__file__).parents[2])


def test_the_columns_equal_a_plain_front_end():
    samples = reference_signal(32_000, 3)
    rows = 5 * efficientat_features(samples).astype(float) - 4.5
    columns = extract(samples, 32_000, [PRESET])["logmel128"]
    for name, values in {"mean": rows.mean(axis=0), "std": rows.std(axis=0)}.items():
        own = [columns[f"kaldi_log_mel_{band:02d}_{name}"] for band in range(1, 129)]
        np.testing.assert_allclose(own, values, atol=2e-4)


@pytest.mark.parametrize("length", [1, 2, 3, 100, 700])
def test_a_clip_that_is_shorter_than_a_window_has_finite_bands(length):
    bands = kaldi_log_mel(np.full(length, 0.1, np.float32), 32_000, 1024, 320, 128)
    assert bands.shape[1] == 128 and np.isfinite(bands).all()


def test_silence_is_the_logarithm_of_the_offset():
    assert np.allclose(kaldi_log_mel(np.zeros(32_000, np.float32), 32_000, 1024, 320, 40), np.log(1e-5))
