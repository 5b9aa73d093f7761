"""Song verdicts: the label of a song, from the predictions for its clips."""

import numpy as np
import pandas as pd

from songwise.evaluation.predictions import DECIMALS, codes, labels_of, probabilities_of

RULES = ("mean log-probability", "majority vote", "mean probability")  # the first one makes the verdict
FLOOR = 1e-6  # of a probability: KNN and trees predict zeros, and the logarithm of one zero would be a veto


def song_verdicts(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the verdict for each song: the label with the highest mean log-probability over the song's clips.

    Probabilities are floored at 1e-6 and renormalised first. Ties go to the higher mean probability.

    Parameters
    ----------
    predictions : DataFrame
        One row per clip and repeat, with the columns repeat, song, label and p_LABEL.

    Returns
    -------
    DataFrame
        One row per song and repeat, with the columns repeat, song, label, predicted and p_LABEL. The probabilities are
        the normalised exponential of the mean log-probabilities.
    """
    labels = labels_of(predictions)
    songs, song_of_clip = _songs(predictions)
    probabilities = floored(probabilities_of(predictions))
    logs = _means(np.log(probabilities), song_of_clip)
    chosen = _highest(logs, _means(probabilities, song_of_clip))
    pooled = np.exp(logs)
    pooled = np.round(pooled / pooled.sum(axis=1, keepdims=True), DECIMALS)
    columns = {f"p_{label}": pooled[:, index] for index, label in enumerate(labels)}
    return pd.concat([songs.assign(predicted=np.array(labels)[chosen]), pd.DataFrame(columns)], axis=1)


def verdicts_by_rule(predictions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the verdicts of each of RULES.

    The majority vote counts the clips' own predictions. Its ties, and those of the mean probability, go to the higher
    mean log-probability.

    Parameters
    ----------
    predictions : DataFrame
        One row per clip and repeat, with the columns repeat, song, label, predicted and p_LABEL.

    Returns
    -------
    dict of str to DataFrame
        Rule to a table with the columns repeat, song, label and predicted; all tables have the same songs in the same
        order.
    """
    labels = labels_of(predictions)
    songs, song_of_clip = _songs(predictions)
    probabilities = floored(probabilities_of(predictions))
    votes = np.eye(len(labels))[codes(predictions["predicted"], labels)]
    logs, mean = _means(np.log(probabilities), song_of_clip), _means(probabilities, song_of_clip)
    chosen = (_highest(logs, mean), _highest(_means(votes, song_of_clip), logs), _highest(mean, logs))
    return {rule: songs.assign(predicted=np.array(labels)[index]) for rule, index in zip(RULES, chosen, strict=True)}


def floored(probabilities: np.ndarray) -> np.ndarray:
    """Return probabilities, shape (rows, labels), raised to at least FLOOR and renormalised."""
    raised = np.maximum(probabilities, FLOOR)
    return raised / raised.sum(axis=1, keepdims=True)


def _songs(predictions: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return repeat, song and label of each song, sorted, and the row of its song for each clip."""
    keys = predictions.groupby(["repeat", "song"])
    return keys["label"].first().reset_index(), keys.ngroup().to_numpy()


def _means(values: np.ndarray, song_of_clip: np.ndarray) -> np.ndarray:
    sums = np.stack([np.bincount(song_of_clip, column) for column in values.T], axis=1)
    return sums / np.bincount(song_of_clip)[:, None]


def _highest(scores: np.ndarray, tie_breakers: np.ndarray) -> np.ndarray:
    # Rounded, so that the order in which clips are summed does not break a tie.
    scores, tie_breakers = np.round(scores, 9), np.round(tie_breakers, 9)
    return np.where(scores == scores.max(axis=1, keepdims=True), tie_breakers, -np.inf).argmax(axis=1)
