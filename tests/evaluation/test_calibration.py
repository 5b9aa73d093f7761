"""The calibration error is the distance between how sure a model is and how often it is right."""

import numpy as np
import pytest

from songwise.evaluation.calibration import calibration_rows, expected_calibration_error, reliability


def test_calibration_error_by_hand():
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 1 / 15, 1.0])
    right = np.array([True, True, False, False, False, True])
    bins = reliability(confidence, right, np.ones(6))
    # The last bin, (14/15, 1], contains five rows, three of them right; 1/15 belongs to the first bin.
    np.testing.assert_allclose(bins[14], [5, 0.96, 0.6])
    np.testing.assert_allclose(bins[0], [1, 1 / 15, 0])
    assert bins[1:14].sum() == 0
    assert expected_calibration_error(bins) == pytest.approx((5 * 0.36 + 1 / 15) / 6)
    weighed = reliability(confidence, right, np.array([1, 1, 0, 0, 1, 1]))
    assert expected_calibration_error(weighed) == pytest.approx((3 * abs(1 - 2.9 / 3) + 1 / 15) / 4)


def test_a_calibrated_model_has_no_calibration_error():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.2, 1, 50_000)
    right = rng.random(50_000) < confidence
    assert expected_calibration_error(reliability(confidence, right, np.ones(50_000))) < 0.01


def test_only_bins_with_votes_have_a_row():
    bins = reliability(np.array([0.95, 0.5, 0.5]), np.array([True, True, False]), np.array([1.0, 0.5, 0.5]))
    assert calibration_rows({"song": bins}) == [
        {"level": "song", "bin": 8, "votes": 1.0, "confidence": 0.5, "right": 0.5},
        {"level": "song", "bin": 15, "votes": 1.0, "confidence": 0.95, "right": 1.0},
    ]
