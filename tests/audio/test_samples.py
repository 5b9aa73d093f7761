"""Features see the mean of a clip's channels."""

import numpy as np
import pytest

from songwise.audio.decode import AudioSegment, samples_of


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 11])
def test_samples_are_exactly_the_mean_of_the_channels(channels):
    values = np.random.default_rng(0).integers(-32768, 32768, size=(10_000, channels)).astype("<i2")
    values[:2] = [[-32768] * channels, [32767] * channels]
    segment = AudioSegment(data=values.tobytes(), sample_width=2, frame_rate=22_050, channels=channels)
    samples, rate = samples_of(segment)
    assert rate == 22_050 and samples.dtype == np.float32
    assert np.array_equal(samples, values.mean(axis=1, dtype=np.float32) / np.float32(32768))
