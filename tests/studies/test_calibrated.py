"""The calibration of a model is fitted per level, and measured on songs that it was not fitted to."""

import numpy as np
import pandas as pd
import pytest

from songwise.evaluation.calibration import expected_calibration_error, reliability
from songwise.evaluation.verdicts import song_verdicts
from songwise.evaluation.votes import Units
from songwise.studies.calibrated import study_calibration


def predictions(*, sharpness: float, n_songs: int = 200) -> tuple[pd.DataFrame, Units]:
    """Predictions for songs of three clips, in the form of predictions.csv; a sharpness above 1 is overconfident."""
    rng = np.random.default_rng(0)
    y = np.arange(n_songs) % 3
    logs = np.repeat(1.5 * np.eye(3)[y] + rng.normal(size=(n_songs, 3)), 3, axis=0) * sharpness
    probabilities = np.round(np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True), 6)
    table = pd.DataFrame({"repeat": 0, "song": np.repeat([f"song-{n:03d}" for n in range(n_songs)], 3)})
    table["label"] = np.array(list("abc"))[np.repeat(y, 3)]
    table["predicted"] = np.array(list("abc"))[probabilities.argmax(axis=1)]
    own = {song: song for song in table["song"]}
    return table.assign(**{f"p_{label}": probabilities[:, n] for n, label in enumerate("abc")}), Units(own, own)


@pytest.mark.parametrize("sharpness", [0.3, 6.0])
def test_timid_and_overconfident_models_are_corrected_at_both_levels(sharpness):
    table, units = predictions(sharpness=sharpness)
    study = study_calibration(table, units)
    assert list(study) == ["song", "clip"]
    for figures in study.values():
        assert (figures["temperature"] > 1) == (sharpness > 1)
        assert figures["ece_after"] < figures["ece_before"] / 2
        assert figures["log_loss_after"] < figures["log_loss_before"]


def test_the_error_before_is_that_of_the_leaderboard():
    table, units = predictions(sharpness=6.0)
    songs = song_verdicts(table)
    confidence = songs[["p_a", "p_b", "p_c"]].max(axis=1).to_numpy()
    bins = reliability(confidence, (songs["label"] == songs["predicted"]).to_numpy(), np.ones(len(songs)))
    assert study_calibration(table, units)["song"]["ece_before"] == round(expected_calibration_error(bins), 4)


def test_a_model_of_one_song_per_class_is_left_nearly_as_it_is():
    table, units = predictions(sharpness=1.0, n_songs=3)
    figures = study_calibration(table, units)["song"]
    assert all(np.isfinite(value) for value in figures.values()) and 0.1 < figures["temperature"] < 10
