"""Fusion weights follow what members say about clips that they were not fitted on, and bad members do no harm."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from songwise.models.bundle import load_bundle, save_bundle
from songwise.models.fusion import Fusion, fit_weights, floored_logs

RNG = np.random.default_rng(0)
Y = np.arange(300) % 4


def _member(strength: float, seed: int, y: np.ndarray = Y) -> np.ndarray:
    """Log-probabilities of a member that has heard the class more or less well."""
    scores = np.random.default_rng(seed).normal(size=(len(y), 4)) + strength * np.eye(4)[y]
    return floored_logs(softmax(scores, axis=1))


def _loss(weights, logs, y):
    fused = log_softmax(np.tensordot(logs, weights, axes=(1, 0)), axis=1)
    return -fused[np.arange(len(y)), y].mean()


def test_a_better_member_has_a_larger_weight_and_a_useless_one_almost_none():
    logs = np.stack([_member(3, 1), _member(1.5, 2), _member(0, 3)], axis=1)
    weights = fit_weights(logs, Y)
    assert weights[0] > weights[1] > weights[2]
    assert (weights >= 0).all() and weights[2] < 0.1


def test_without_a_pull_no_other_weights_have_a_lower_loss():
    logs = np.stack([_member(2, 1), _member(1, 2), _member(1, 3)], axis=1)
    weights = fit_weights(logs, Y, pull=0)
    plain = minimize(_loss, np.ones(3), (logs, Y), method="SLSQP", bounds=[(0, None)] * 3, tol=1e-12)
    assert _loss(weights, logs, Y) <= plain.fun + 1e-7
    np.testing.assert_allclose(weights, plain.x, atol=1e-2)


def test_a_strong_pull_gives_all_members_the_same_weight():
    logs = np.stack([_member(3, 1), _member(0, 2)], axis=1)
    weights = fit_weights(logs, Y, pull=1e6)
    np.testing.assert_allclose(weights, weights[0], rtol=1e-4)


def test_equal_members_share_the_weight():
    one = _member(2, 1)
    np.testing.assert_allclose(*fit_weights(np.stack([one, one], axis=1), Y), rtol=1e-3)


def test_a_member_that_is_too_sure_is_corrected():
    """Three times the log-odds are the same opinion, so the weight is a third."""
    calm = _member(1.5, 1)
    sure = log_softmax(3 * calm, axis=1)
    alone, same = (fit_weights(logs[:, np.newaxis], Y, pull=0)[0] for logs in (calm, sure))
    assert alone == pytest.approx(3 * same, rel=1e-2)


def test_groups_count_the_same_however_many_clips_they_have():
    """One long song that only the second member understands does not outweigh many short ones."""
    y = np.zeros(130, dtype=int)
    first, second = _member(2, 1, y), _member(0, 2, y)
    first[:100], second[:100] = _member(0, 3, y[:100]), _member(4, 4, y[:100])
    groups = np.array(["long"] * 100 + [f"short {index}" for index in range(30)])
    logs = np.stack([first, second], axis=1)
    by_clip, by_group = fit_weights(logs, y), fit_weights(logs, y, groups)
    assert by_clip[1] / by_clip[0] > 2 * by_group[1] / by_group[0]


def test_constant_and_impossible_members_do_no_harm():
    """A member that says the same of every clip, and one that excludes the right class of some clips."""
    constant = floored_logs(np.tile([0.7, 0.1, 0.1, 0.1], (len(Y), 1)))
    veto = np.zeros((len(Y), 4))
    veto[np.arange(len(Y)), (Y + 1) % 4] = 1
    logs = np.stack([_member(2, 1), constant, floored_logs(veto)], axis=1)
    weights = fit_weights(logs, Y)
    assert np.isfinite(weights).all() and weights[2] < 0.01
    assert _loss(weights, logs, Y) < 1.1 * _loss(fit_weights(logs[:, :1], Y), logs[:, :1], Y)


def test_floored_logs_are_finite_and_normal():
    logs = floored_logs(np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]]))
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1)
    assert logs[0, 1] == pytest.approx(np.log(1e-6), abs=1e-5)


X = RNG.normal(size=(200, 6)) + np.eye(6)[np.arange(200) % 4]
NAMES = np.array(["a", "b", "c", "d"])[np.arange(200) % 4]
UNSEEN = RNG.normal(size=(40, 6))


def _members():
    return [("bayes", GaussianNB().fit(X, NAMES)), ("logistic", LogisticRegression().fit(X, NAMES))]


def test_a_fusion_multiplies_powers_of_probabilities():
    members = _members()
    fusion = Fusion(members, weights=[0.5, 2.0]).fit(X, NAMES)
    product = members[0][1].predict_proba(UNSEEN) ** 0.5 * members[1][1].predict_proba(UNSEEN) ** 2
    expected = product / product.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fusion.predict_proba(UNSEEN), expected, atol=1e-4)
    np.testing.assert_array_equal(fusion.predict(UNSEEN), NAMES[:4][expected.argmax(axis=1)])


def test_a_single_member_keeps_its_verdicts():
    members = _members()[:1]
    fusion = Fusion(members, weights=[0.3]).fit(X, NAMES)
    np.testing.assert_array_equal(fusion.predict(UNSEEN), members[0][1].predict(UNSEEN))


def test_a_class_that_a_member_does_not_know_has_its_smallest_probability():
    known = NAMES != "c"
    partial = GaussianNB().fit(X[known], NAMES[known])
    fusion = Fusion([("partial", partial)], weights=[1.0]).fit(X, NAMES)
    probabilities = fusion.predict_proba(UNSEEN)
    assert fusion.classes_.tolist() == ["a", "b", "c", "d"]
    np.testing.assert_allclose(probabilities[:, 2], 1e-6, rtol=1e-4)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [1.0, np.nan], [[1.0, 1.0]]])
def test_weights_that_do_not_fit_the_members_are_refused(weights):
    with pytest.raises(ValueError, match="must be one number of at least 0 per member"):
        Fusion(_members(), weights=weights).fit(X, NAMES)


def test_a_loaded_fusion_predicts_as_the_saved_one(tmp_path):
    fusion = Fusion(_members(), weights=np.array([0.5, 2.0])).fit(X, NAMES)
    save_bundle(tmp_path / "bundle", fusion, {})
    loaded, _ = load_bundle(tmp_path / "bundle")
    np.testing.assert_array_equal(loaded.predict_proba(UNSEEN), fusion.predict_proba(UNSEEN))
