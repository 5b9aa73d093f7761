"""Loudness is that of ITU-R BS.1770-4, with its filters and gates."""

import math

import numpy as np
import pytest
from scipy.signal import lfilter

from songwise.audio.loudness import integrated_loudness

RATE = 48_000
# The coefficients that the standard gives for 48 kHz, annex 1, tables 1 and 2.
SHELF = [1.53512485958697, -2.69169618940638, 1.19839281085285], [1, -1.69065929318241, 0.73248077421585]
PASS = [1, -2, 1], [1, -1.99004745483398, 0.99007225036621]


def standard(samples: np.ndarray) -> float:
    """Loudness as the standard has it, written the plain way."""
    weighted = lfilter(*PASS, lfilter(*SHELF, samples.astype(np.float64)))
    blocks = [weighted[start : start + 19_200] for start in range(0, len(samples) - 19_199, 4_800)]
    power = np.array([np.mean(np.square(block)) for block in blocks])
    levels = -0.691 + 10 * np.log10(power)
    gated = power[levels >= -70]
    relative = -0.691 + 10 * np.log10(gated.mean()) - 10
    return -0.691 + 10 * np.log10(power[(levels > relative) & (levels >= -70)].mean())


@pytest.mark.parametrize("seconds", [0.4, 0.5, 3, 20])
@pytest.mark.parametrize("level", [0.5, 1e-3])
def test_it_is_the_standards(seconds, level):
    rng = np.random.default_rng(0)
    samples = (level * rng.normal(size=round(seconds * RATE))).astype(np.float32)
    samples[: len(samples) // 3] *= 0.02  # below the relative gate
    samples[len(samples) // 2 : len(samples) // 2 + 30_000] *= 1e-5  # below the absolute gate
    assert integrated_loudness(samples, RATE) == pytest.approx(standard(samples), abs=1e-6)


def test_a_full_scale_tone_of_one_kilohertz_has_three_lufs_less_than_full_scale():
    for rate in (44_100, 48_000, 96_000):
        tone = np.sin(2 * np.pi * 997 * np.arange(3 * rate) / rate)
        assert integrated_loudness(tone, rate) == pytest.approx(-3.01, abs=0.02)


def test_what_the_absolute_gate_removes_has_no_loudness():
    quiet = 1e-5 * np.random.default_rng(0).normal(size=RATE).astype(np.float32)
    assert integrated_loudness(quiet, RATE) == -math.inf
