"""What a song is said to be, from what its clips are said to be."""

import numpy as np
import pandas as pd

from songwise.evaluation.metrics import codes, floored

RULES = ("mean log-probability", "majority vote", "mean probability")  # the first is the verdict


def labels_of(predictions: pd.DataFrame) -> list[str]:
    """The classes of a table of predictions, from its p_LABEL columns."""
    return [name.removeprefix("p_") for name in predictions.columns if name.startswith("p_")]


def song_verdicts(predictions: pd.DataFrame) -> pd.DataFrame:
    """One row a repeat and song: the label whose mean log-probability over the song's clips is highest.

    Probabilities are floored at 1e-6 and renormalised first; ties go to the higher mean probability.

    Parameters
    ----------
    predictions : repeat, song, label and p_LABEL columns, one row a clip.

    Returns
    -------
    repeat, song, label, predicted, then p_LABEL: the normalised exponential of the mean log-probability.
    """
    labels = labels_of(predictions)
    songs, clips = _songs(predictions)
    probabilities = floored(predictions[[f"p_{label}" for label in labels]].to_numpy())
    logs = _means(np.log(probabilities), clips)
    chosen = _highest(logs, _means(probabilities, clips))
    pooled = np.exp(logs)
    pooled = np.round(pooled / pooled.sum(axis=1, keepdims=True), 6)
    columns = {f"p_{label}": pooled[:, index] for index, label in enumerate(labels)}
    return pd.concat([songs.assign(predicted=np.array(labels)[chosen]), pd.DataFrame(columns)], axis=1)


def verdicts_by_rule(predictions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The verdicts of each of RULES.

    The majority is that of the clips' own predictions. Its ties, and those of the mean probability, go to the higher
    mean log-probability.

    Parameters
    ----------
    predictions : repeat, song, label, predicted and p_LABEL columns, one row a clip.

    Returns
    -------
    Rule to repeat, song, label, predicted; the same rows in the same order.
    """
    labels = labels_of(predictions)
    songs, clips = _songs(predictions)
    probabilities = floored(predictions[[f"p_{label}" for label in labels]].to_numpy())
    votes = np.eye(len(labels))[codes(predictions["predicted"], labels)]
    logs, mean = _means(np.log(probabilities), clips), _means(probabilities, clips)
    chosen = (_highest(logs, mean), _highest(_means(votes, clips), logs), _highest(mean, logs))
    return {rule: songs.assign(predicted=np.array(labels)[index]) for rule, index in zip(RULES, chosen, strict=True)}


def _songs(predictions: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """repeat, song and label of each song, sorted, and for each clip the row of its song."""
    keys = predictions.groupby(["repeat", "song"])
    return keys["label"].first().reset_index(), keys.ngroup().to_numpy()


def _means(values: np.ndarray, clips: np.ndarray) -> np.ndarray:
    sums = np.stack([np.bincount(clips, column) for column in values.T], axis=1)
    return sums / np.bincount(clips)[:, None]


def _highest(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    # Equal up to rounding is a tie, whatever the order in which the clips were summed.
    scores, others = np.round(scores, 9), np.round(others, 9)
    return np.where(scores == scores.max(axis=1, keepdims=True), others, -np.inf).argmax(axis=1)
