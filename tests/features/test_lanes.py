"""Transforms of several frames side by side equal those of numpy, for any number of frames."""

import numpy as np
import pytest

from songwise.features.dsp import fourier, lanes

PRECISIONS = {np.float64: 1e-7, np.float32: 5e-6}  # of the largest value; spectra are stored in single precision


@pytest.mark.parametrize("n_fft", [16, 32, 64, 512, 1024, 2048, 4096])
@pytest.mark.parametrize("dtype", list(PRECISIONS))
@pytest.mark.parametrize("frames", [1, 3, 4, 5, 9, 70])
def test_spectra_are_those_of_numpy(n_fft, dtype, frames):
    hop = n_fft // 4
    padded = np.random.default_rng(0).normal(size=n_fft + (frames - 1) * hop).astype(np.float32)
    taper = fourier.hann_window(n_fft).astype(dtype)
    found = np.empty((frames, n_fft // 2 + 1), np.complex64)
    lanes.transform(padded, 0, hop, taper, found)
    views = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    expected = np.fft.rfft(views * fourier.hann_window(n_fft), axis=1)
    np.testing.assert_allclose(found, expected, atol=PRECISIONS[dtype] * np.abs(expected).max())
    if frames > 2:
        some = np.empty((2, n_fft // 2 + 1), np.complex64)
        lanes.transform(padded, 1, hop, taper, some)
        assert np.array_equal(some, found[1:3])


def test_loud_bins_do_not_hide_quiet_ones_in_double_precision():
    n_fft = 2048
    samples = np.sin(2 * np.pi * 200 / n_fft * np.arange(n_fft)).astype(np.float32)
    samples += np.float32(1e-6) * np.sin(2 * np.pi * 700 / n_fft * np.arange(n_fft)).astype(np.float32)
    found = np.empty((1, n_fft // 2 + 1), np.complex64)
    lanes.transform(samples, 0, 1, fourier.hann_window(n_fft), found)
    expected = np.fft.rfft(samples * fourier.hann_window(n_fft))
    np.testing.assert_allclose(found[0], expected, rtol=1e-6, atol=1e-12 * n_fft)


@pytest.mark.parametrize("n_fft", [16, 32, 1024, 2048])
@pytest.mark.parametrize("frames", [1, 3, 9, 70])
def test_the_inverse_adds_up_the_frames_of_numpy(n_fft, frames):
    hop, rng = n_fft // 4, np.random.default_rng(0)
    spectra = (rng.normal(size=(frames, n_fft // 2 + 1)) + 1j * rng.normal(size=(frames, n_fft // 2 + 1))).astype("c8")
    taper = fourier.hann_window(n_fft).astype(np.float32)
    found = np.zeros(n_fft + (frames - 1) * hop, np.float32)
    lanes.add_inverse(spectra, hop, taper, found)
    expected = np.zeros(len(found))
    for number, frame in enumerate(np.fft.irfft(spectra, n_fft, axis=1)):
        expected[number * hop : number * hop + n_fft] += frame * taper
    np.testing.assert_allclose(found, expected, atol=2e-6 * np.abs(expected).max())


@pytest.mark.parametrize("n_fft", [1000, 1024, 1025, 48])
def test_lengths_that_are_no_powers_of_two_are_transformed_too(n_fft):
    samples = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    spectrum = fourier.stft(samples, n_fft, 250)
    padded = np.pad(samples, n_fft // 2)
    views = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::250]
    expected = np.fft.rfft(views * fourier.hann_window(n_fft), axis=1)
    np.testing.assert_allclose(spectrum, expected, atol=1e-6 * np.abs(expected).max())
    assert fourier.magnitudes(samples, n_fft, 250).shape == spectrum.shape
