"""A song's label from the probabilities of its clips: the arithmetic of verdicts, for any number of songs.

Only numpy: a model that classifies one file does not wait for pandas.
"""

import numpy as np

FLOOR = 1e-6  # of a probability: KNN and trees predict zeros, and the logarithm of one zero would be a veto


def floored(probabilities: np.ndarray) -> np.ndarray:
    """Return probabilities, shape (rows, labels), raised to at least FLOOR and renormalised."""
    raised = np.maximum(probabilities, FLOOR)
    return raised / raised.sum(axis=1, keepdims=True)


def pool(values: np.ndarray, song_of_clip: np.ndarray | None = None) -> np.ndarray:
    """Return the means of each song's clips.

    Parameters
    ----------
    values : ndarray of float, shape (clips, labels)
        Probabilities or their logarithms.
    song_of_clip : ndarray of int, shape (clips,), optional
        Number of each clip's song, from 0. By default, all clips are of one song.

    Returns
    -------
    ndarray of float, shape (songs, labels)
        Means.
    """
    if song_of_clip is None:
        song_of_clip = np.zeros(len(values), int)
    sums = np.stack([np.bincount(song_of_clip, column) for column in values.T], axis=1)
    return sums / np.bincount(song_of_clip)[:, None]


def highest(scores: np.ndarray, tie_breakers: np.ndarray) -> np.ndarray:
    """Return the label with the highest score of each row.

    Parameters
    ----------
    scores : ndarray of float, shape (songs, labels)
        Mean log-probabilities, for a verdict.
    tie_breakers : ndarray of float, shape (songs, labels)
        Decide between equal scores: mean probabilities, for a verdict.

    Returns
    -------
    ndarray of int, shape (songs,)
        Places of the labels.
    """
    # Rounded, so that the order in which clips are summed does not break a tie.
    scores, tie_breakers = np.round(scores, 9), np.round(tie_breakers, 9)
    return np.where(scores == scores.max(axis=1, keepdims=True), tie_breakers, -np.inf).argmax(axis=1)
