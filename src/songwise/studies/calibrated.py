"""Calibration of one model: its temperatures, and the errors before and after on songs that they were not fitted to."""

import numpy as np
import pandas as pd

from songwise.evaluation.calibration import expected_calibration_error, reliability
from songwise.evaluation.metrics import log_loss
from songwise.evaluation.pooling import floored
from songwise.evaluation.predictions import codes, labels_of, probabilities_of
from songwise.evaluation.temperature import cross_calibrate, fit_temperature
from songwise.evaluation.verdicts import song_verdicts
from songwise.evaluation.votes import Units

_DECIMALS = 4


def study_calibration(predictions: pd.DataFrame, units: Units) -> dict[str, dict[str, float]]:
    """Fit the temperatures of a model on its predictions for held-out songs.

    Parameters
    ----------
    predictions : DataFrame
        predictions.csv of the model under the honest protocol (`predictions.read_predictions`).
    units : Units
        Votes and groups of the songs.

    Returns
    -------
    dict of str to dict of str to float
        Level, "song" or "clip", to temperature, ece_before, ece_after, log_loss_before and log_loss_after. The
        temperature is fitted on all songs. For the figures after, each song is calibrated by a temperature of songs of
        other groups.
    """
    return {
        level: _figures(table, units) for level, table in (("song", song_verdicts(predictions)), ("clip", predictions))
    }


def _figures(table: pd.DataFrame, units: Units) -> dict[str, float]:
    labels, votes = labels_of(table), units.votes(table)
    y, predicted = (codes(table[column], labels) for column in ("label", "predicted"))
    before = probabilities_of(table)
    logs = np.log(floored(before))
    groups = table["song"].map(units.group_of).to_numpy(dtype=str)
    figures = {"temperature": fit_temperature(logs, y, votes)}
    for when, probabilities in (("before", before), ("after", cross_calibrate(logs, y, votes, groups))):
        bins = reliability(probabilities[np.arange(len(y)), predicted], predicted == y, votes)
        figures[f"ece_{when}"] = expected_calibration_error(bins)
        figures[f"log_loss_{when}"] = log_loss(y, probabilities, votes)
    return {name: round(value, _DECIMALS) for name, value in figures.items()}
