"""Learning curve: training sets thinned to fewer and fewer songs."""

import numpy as np
import pandas as pd

LEARNING_CURVE_COLUMNS = ("songs_per_class", "n_train_songs", "song_accuracy", "low", "high")
_STEPS = 5
_FEWEST = 2  # groups per class, which the inner folds of search and calibration need


def most_songs(sides: list[pd.DataFrame]) -> int:
    """Return the number of songs of the largest class in any of these training sets.

    Parameters
    ----------
    sides : list of DataFrame
        Training sets, one row per clip, with the columns label and song.

    Returns
    -------
    int
        Songs, not clips.
    """
    return max(int(side.groupby("label")["song"].nunique().max()) for side in sides)


def thinned(sides: list[pd.DataFrame], seed: int) -> dict[int, list[pd.DataFrame]]:
    """Return training sets with more and more songs.

    There are five steps in even ratios from 2 songs per class to all, or fewer if whole groups do not allow five.

    Parameters
    ----------
    sides : list of DataFrame
        Training set of each fold, one row per clip, with the columns label, song and group.
    seed : int
        Seed of the order in which each training set's groups are taken.

    Returns
    -------
    dict of int to list of DataFrame
        Songs of the largest class, ascending, to the training sets; the last ones are whole.
    """
    largest = most_songs(sides)
    steps: dict[int, list[pd.DataFrame]] = {}
    for wanted in np.geomspace(min(_FEWEST, largest), largest, _STEPS):
        kept = [thin(side, round(wanted), [seed, number]) for number, side in enumerate(sides)]
        steps[most_songs(kept)] = kept
    return steps


def thin(side: pd.DataFrame, songs_per_class: int, seed: list[int]) -> pd.DataFrame:
    """Return a training set with fewer songs of each class, but with at least two groups of each.

    Whole groups are taken, in an order that depends on the seed alone, so that a larger set contains the smaller ones.

    Parameters
    ----------
    side : DataFrame
        One row per clip, with the columns label, song and group.
    songs_per_class : int
        Most songs of each class.
    seed : list of int
        Seed of the order in which a class's groups are taken.

    Returns
    -------
    DataFrame
        Rows of `side`.
    """
    kept: set[str] = set()
    for index, (_, rows) in enumerate(side.groupby("label")):
        songs = rows.groupby("group")["song"].nunique()
        order = np.random.default_rng([*seed, index]).permutation(len(songs))
        fitting = np.searchsorted(songs.to_numpy()[order].cumsum(), songs_per_class, side="right")
        kept |= set(songs.index[order[: max(fitting, _FEWEST)]])
    return side[side["group"].isin(kept)]


def nearest_to_half(curve: list[dict]) -> int | None:
    """Return the step whose number of training songs is nearest, in ratio, to half of the last step's.

    Parameters
    ----------
    curve : list of dict
        Rows of LEARNING_CURVE_COLUMNS.

    Returns
    -------
    int or None
        Position in `curve`; None if there is only one step.
    """
    half = curve[-1]["n_train_songs"] / 2
    far = [abs(np.log(row["n_train_songs"] / half)) for row in curve[:-1]]
    return int(np.argmin(far)) if far else None
