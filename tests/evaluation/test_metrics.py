"""Metrics equal scikit-learn's with votes as weights; those that scikit-learn lacks are checked by hand."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from songwise.evaluation.metrics import (
    accuracy,
    balanced_accuracy,
    class_figures,
    log_loss,
    macro_f1,
    roc_auc,
    top2_accuracy,
)
from songwise.evaluation.pooling import floored

LABELS = list("abcd")


@pytest.fixture(scope="module")
def rows() -> dict[str, np.ndarray]:
    """600 predictions of four classes; class d is rare and never predicted."""
    rng = np.random.default_rng(0)
    y = rng.choice(4, 600, p=[0.5, 0.3, 0.17, 0.03])
    probabilities = np.round(rng.dirichlet([1, 1, 1, 0.01], 600) * 0.5 + 0.5 * np.eye(4)[y], 2)
    probabilities[:, 3] = 0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    return {"y": y, "probabilities": probabilities, "predicted": predicted, "votes": rng.choice([0.25, 0.5, 1], 600)}


def test_figures_of_confusion_matrices_are_scikit_learns(rows):
    y, predicted, votes = rows["y"], rows["predicted"], rows["votes"]
    matrix = sklearn_metrics.confusion_matrix(y, predicted, sample_weight=votes)
    assert accuracy(matrix) == pytest.approx(sklearn_metrics.accuracy_score(y, predicted, sample_weight=votes))
    assert balanced_accuracy(matrix) == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(y, predicted, sample_weight=votes)
    )
    expected = sklearn_metrics.precision_recall_fscore_support(y, predicted, sample_weight=votes, zero_division=0)
    found = class_figures(matrix)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose(found[name], values, err_msg=name)
    assert found["support"][3] > 0 and found["recall"][3] == 0
    assert macro_f1(matrix) == pytest.approx(expected[2].mean())
    stack = np.stack([matrix, 2 * matrix.T])
    for figure in (accuracy, balanced_accuracy, macro_f1):
        np.testing.assert_allclose(figure(stack), [figure(matrix), figure(matrix.T)])


def test_a_class_that_does_not_occur_does_not_count():
    matrix = np.array([[3.0, 1.0, 0.0], [1.0, 5.0, 0.0], [0.0, 0.0, 0.0]])
    assert accuracy(matrix) == pytest.approx(0.8)
    assert macro_f1(matrix) == pytest.approx((6 / 8 + 10 / 12) / 2)
    assert balanced_accuracy(matrix) == pytest.approx((3 / 4 + 5 / 6) / 2)
    assert np.isnan(accuracy(np.zeros((3, 3)))) and np.isnan(macro_f1(np.zeros((3, 3))))


def test_log_loss_is_scikit_learns_of_floored_probabilities(rows):
    y, probabilities, votes = rows["y"], rows["probabilities"], rows["votes"]
    expected = sklearn_metrics.log_loss(y, floored(probabilities), sample_weight=votes)
    assert log_loss(y, probabilities, votes) == pytest.approx(expected)
    assert log_loss(np.array([1]), np.array([[1.0, 0.0]]), np.ones(1)) == pytest.approx(-np.log(1e-6), abs=1e-5)


def test_auc_within_one_fit_is_scikit_learns(rows):
    y, probabilities, votes = rows["y"], rows["probabilities"], rows["votes"]
    one = np.zeros(len(y), int)
    expected = [
        sklearn_metrics.roc_auc_score(y == label, probabilities[:, label], sample_weight=votes) for label in range(4)
    ]
    assert roc_auc(y, probabilities, one, votes) == pytest.approx(np.mean(expected))
    assert roc_auc(y, probabilities, one, np.ones(len(y))) == pytest.approx(
        sklearn_metrics.roc_auc_score(y, probabilities, multi_class="ovr", average="macro")
    )


def test_auc_does_not_compare_probabilities_of_different_fits():
    # A fit with more songs of a class predicts it more often, and tests fewer of it: merged, the AUC is below 0.5.
    y = np.array([0, 0, 1, 0, 1, 1])
    fits = np.array([0, 0, 0, 1, 1, 1])
    constant = np.where(fits == 0, 1 / 3, 2 / 3)
    probabilities = np.stack([constant, 1 - constant], axis=1)
    assert sklearn_metrics.roc_auc_score(y == 0, constant) < 0.4
    assert roc_auc(y, probabilities, fits, np.ones(6)) == pytest.approx(0.5)


def test_auc_leaves_out_classes_that_no_fit_tests_with_others():
    y = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.4, 0.3, 0.3], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1]])
    # Of label 0 three pairs of four are in order, of label 1 all; label 2 does not occur.
    assert roc_auc(y, probabilities, np.zeros(4, int), np.ones(4)) == pytest.approx((0.75 + 1) / 2)
    assert roc_auc(y, probabilities, np.array([0, 0, 1, 1]), np.ones(4)) is None


def test_top_2_takes_the_prediction_and_the_most_probable_other(rows):
    y, probabilities, predicted = rows["y"], rows["probabilities"] + 1e-9 * np.arange(4), rows["predicted"]
    expected = sklearn_metrics.top_k_accuracy_score(y, probabilities, k=2, sample_weight=rows["votes"])
    assert top2_accuracy(y, predicted, probabilities, rows["votes"]) == pytest.approx(expected)
    # A verdict may win a tie against the order of the labels. It remains the first guess.
    even = np.array([[1 / 3, 1 / 3, 1 / 3]] * 3)
    assert top2_accuracy(np.arange(3), np.array([2, 2, 2]), even, np.ones(3)) == pytest.approx(2 / 3)
