"""Tables of predictions: how they are read, which classes they have, and how often each song is right."""

from pathlib import Path

import numpy as np
import pandas as pd

DECIMALS = 6  # of every probability in a table


def read_predictions(path: Path) -> pd.DataFrame:
    """Return the table predictions.csv of one model under one protocol.

    Parameters
    ----------
    path : Path
        Table that `cross_validate` wrote.

    Returns
    -------
    DataFrame
        One row per clip and repeat; identifiers and labels are text.
    """
    text = dict.fromkeys(("clip_id", "track_id", "song", "label", "predicted"), str)
    return pd.read_csv(path, dtype=text, keep_default_na=False)


def labels_of(predictions: pd.DataFrame) -> list[str]:
    """Return the classes of a table of predictions, in the order of its columns p_LABEL."""
    return [name.removeprefix("p_") for name in predictions.columns if name.startswith("p_")]


def probabilities_of(predictions: pd.DataFrame) -> np.ndarray:
    """Return the probabilities of a table of predictions, shape (rows, labels), in the order of `labels_of`."""
    return predictions[[f"p_{label}" for label in labels_of(predictions)]].to_numpy()


def codes(values: pd.Series, labels: list[str]) -> np.ndarray:
    """Return the position of each value in `labels`, as int of shape (rows,)."""
    return pd.Index(labels).get_indexer(values)


def song_hits(songs_csv: Path) -> pd.Series:
    """Return how often each song's verdict is right.

    Parameters
    ----------
    songs_csv : Path
        Table of verdicts that `evaluate_model` wrote.

    Returns
    -------
    Series of float, shape (songs,)
        Share of the repeats from 0 to 1, indexed by song.
    """
    songs = pd.read_csv(songs_csv, dtype=str, keep_default_na=False)
    return (songs["label"] == songs["predicted"]).groupby(songs["song"]).mean()
