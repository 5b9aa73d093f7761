"""Song verdicts: the label of a song, from the predictions for its clips."""

import numpy as np
import pandas as pd

from songwise.evaluation.pooling import floored, highest, pool
from songwise.evaluation.predictions import DECIMALS, codes, labels_of, probabilities_of

RULES = ("mean log-probability", "majority vote", "mean probability")  # the first one makes the verdict


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
    logs = pool(np.log(probabilities), song_of_clip)
    chosen = highest(logs, pool(probabilities, song_of_clip))
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
    logs, mean = pool(np.log(probabilities), song_of_clip), pool(probabilities, song_of_clip)
    chosen = (highest(logs, mean), highest(pool(votes, song_of_clip), logs), highest(mean, logs))
    return {rule: songs.assign(predicted=np.array(labels)[index]) for rule, index in zip(RULES, chosen, strict=True)}


def _songs(predictions: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return repeat, song and label of each song, sorted, and the row of its song for each clip."""
    keys = predictions.groupby(["repeat", "song"])
    return keys["label"].first().reset_index(), keys.ngroup().to_numpy()
