"""Training on a part of the clips, where all of them would take too long or too much memory."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

MOST_NUMBERS = 1 << 28  # of a training set: 2 GiB as float64, of which a fit makes one or two copies
_FLOOR = 50  # clips that a class keeps, if it has them


def training_sample(model: Mapping, rows: pd.DataFrame, n_columns: int, seed: int) -> pd.DataFrame:
    """Return the clips of a training set that a model is fitted on: all of them, unless they are too many.

    Each track gives one clip before any gives a second one, because the clips of a track are alike. Classes keep their
    shares, but a small one keeps 50 clips. A larger sample with the same seed contains a smaller one, so that the
    members of a fusion have clips in common.

    Parameters
    ----------
    model : mapping
        The model file's content, with the content of an ensemble's members.
    rows : DataFrame
        One row per clip, with the columns track_id and label.
    n_columns : int
        Columns of its features; 0 for frames, which stay on the disk.
    seed : int
        Seed of the fit.

    Returns
    -------
    DataFrame
        Some of `rows`, in their order.
    """
    most = most_clips(model, n_columns)
    if most is None or len(rows) <= most:
        return rows
    turn = np.empty(len(rows), int)  # of each clip within its class
    rng = np.random.default_rng(seed)
    labels, label = np.unique(rows["label"].to_numpy(dtype=str), return_inverse=True)
    shuffled = rng.permutation(len(rows))
    order = shuffled[np.argsort(count_within(rows["track_id"].to_numpy(dtype=str)[shuffled]), kind="stable")]
    turn[order] = count_within(label[order])
    counts = np.bincount(label, minlength=len(labels))
    quota = np.maximum(counts * most // len(rows), np.minimum(counts, _FLOOR))
    return rows[turn < quota[label]]


def most_clips(model: Mapping, n_columns: int) -> int | None:
    """Return how many clips a fit of a model may have: the least of what it, its members and memory allow.

    Parameters
    ----------
    model : mapping
        The model file's content, with the content of an ensemble's members.
    n_columns : int
        Columns of its features; 0 for frames.

    Returns
    -------
    int or None
        None if there is no limit.
    """
    parts = [model, *model["members"].values()]
    limits = [part["most_clips"] for part in parts if part.get("most_clips")]
    limits += [MOST_NUMBERS // n_columns] if n_columns else []
    return min(limits, default=None)


def count_within(groups: np.ndarray) -> np.ndarray:
    """Return how many earlier elements of its group each element has.

    Parameters
    ----------
    groups : ndarray, shape (n,)
        The group of each element.

    Returns
    -------
    ndarray of int, shape (n,)
        0 for the first element of each group.
    """
    by_group = np.argsort(groups, kind="stable")
    first = np.searchsorted(groups[by_group], groups[by_group])
    counts = np.empty(len(groups), int)
    counts[by_group] = np.arange(len(groups)) - first
    return counts
