"""A calibrated model is as sure as it is right, and its verdicts are the same."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from songwise.evaluation.calibration import expected_calibration_error, reliability
from songwise.evaluation.metrics import log_loss
from songwise.evaluation.temperature import LEAST, MOST, calibrate, cross_calibrate, fit_temperature


def songs(n: int, *, temperature: float, n_labels: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities that are right as often as they claim after division by `temperature`, and the true classes."""
    rng = np.random.default_rng(0)
    honest = log_softmax(2 * rng.normal(size=(n, n_labels)), axis=1)
    y = (rng.random((n, 1)) > np.exp(honest).cumsum(axis=1)).sum(axis=1)
    return log_softmax(honest * temperature, axis=1), y


def error(probabilities: np.ndarray, y: np.ndarray) -> float:
    right = probabilities.argmax(axis=1) == y
    return expected_calibration_error(reliability(probabilities.max(axis=1), right, np.ones(len(y))))


@pytest.mark.parametrize("temperature", [0.4, 1.0, 5.0])
def test_the_temperature_of_an_overconfident_or_timid_model_is_found(temperature):
    logs, y = songs(20_000, temperature=temperature)
    assert fit_temperature(logs, y, np.ones(len(y))) == pytest.approx(temperature, rel=0.03)


def test_calibration_lowers_the_error_and_keeps_the_verdicts():
    logs, y = songs(5000, temperature=4.0)
    calibrated = calibrate(logs, fit_temperature(logs, y, np.ones(len(y))))
    assert error(softmax(logs, axis=1), y) > 0.2 and error(calibrated, y) < 0.03
    assert (calibrated.argmax(axis=1) == logs.argmax(axis=1)).all()
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)


def test_a_vote_of_two_counts_as_two_songs():
    logs, y = songs(60, temperature=3.0)
    votes = np.where(np.arange(60) < 20, 2.0, 1.0)
    twice = np.r_[np.arange(60), np.arange(20)]
    expected = fit_temperature(logs[twice], y[twice], np.ones(80))
    assert fit_temperature(logs, y, votes) == pytest.approx(expected, rel=1e-3)
    assert fit_temperature(logs, y, np.ones(60)) != pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize(("n_songs", "least", "most"), [(6, 0.7, 0.95), (60, 0.95, 0.99)])
def test_a_model_without_errors_is_not_made_certain(n_songs, least, most):
    y = np.arange(n_songs) % 3
    logs = np.log(np.where(np.eye(3)[y] > 0, 0.6, 0.2))
    temperature = fit_temperature(logs, y, np.ones(n_songs))
    assert LEAST < temperature < 1
    assert least < calibrate(logs, temperature).max() < most


def test_a_model_that_is_always_wrong_is_made_as_unsure_as_possible():
    y = np.arange(20) % 2
    logs = np.log(np.where(np.eye(2)[y] > 0, 0.01, 0.99))
    assert fit_temperature(logs, y, np.ones(20)) == pytest.approx(MOST, rel=1e-3)


def test_a_model_that_knows_nothing_keeps_its_temperature():
    assert fit_temperature(np.log(np.full((9, 3), 1 / 3)), np.arange(9) % 3, np.ones(9)) == 1
    assert fit_temperature(np.empty((0, 3)), np.empty(0, int), np.empty(0)) == 1


def test_no_group_is_calibrated_by_its_own_songs():
    """The songs of one group are all wrong: its own temperature would be high, and the other groups' is not."""
    logs, y = songs(300, temperature=1.0)
    groups = np.array([f"artist-{number % 3}" for number in range(300)])
    spoilt = groups == "artist-1"
    y[spoilt] = logs[spoilt].argmin(axis=1)
    calibrated = cross_calibrate(logs, y, np.ones(300), groups)
    others = fit_temperature(logs[~spoilt], y[~spoilt], np.ones((~spoilt).sum()))
    np.testing.assert_allclose(calibrated[spoilt], calibrate(logs[spoilt], others))
    assert not np.allclose(calibrated[~spoilt], calibrate(logs[~spoilt], others), atol=0.01)


def test_the_songs_of_a_single_group_stay_as_they_are():
    logs, y = songs(50, temperature=3.0)
    groups = np.full(50, "artist")
    np.testing.assert_allclose(cross_calibrate(logs, y, np.ones(50), groups), np.exp(logs))


def test_calibration_lowers_the_log_loss_of_groups_that_it_was_not_fitted_to():
    logs, y = songs(400, temperature=4.0)
    groups = np.array([f"artist-{number // 8:02d}" for number in range(400)])
    votes = np.ones(400)
    after = cross_calibrate(logs, y, votes, groups)
    assert log_loss(y, after, votes) < 0.7 * log_loss(y, softmax(logs, axis=1), votes)
