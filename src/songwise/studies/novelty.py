"""Detection of unknown music: each class is left out of training in turn, and its songs should be refused."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from songwise.evaluation.bootstrap import interval
from songwise.evaluation.votes import Units, by_vote, vote_draws
from songwise.predict.novelty import Novelty, threshold_of
from songwise.splits.table import Round

NOVELTY_COLUMNS = ("label", "n_songs", "auroc", "auroc_low", "auroc_high", "refused")
ALL = "all"  # label of the last row, the mean of the others
_FEWEST = 2  # classes that a space of discriminants needs
_FOLDS = 3  # in which each class is left out; more take longer and hardly change the mean
_MOST_SONGS = 2000  # known and unknown ones that are scored per fold and class
_DECIMALS = 4


class _LeftOut(NamedTuple):
    """Known songs against the songs of a class that was left out.

    Attributes
    ----------
    higher : share of the times that the unknown song has the higher score, indexed by vote, shape (known, unknown).
    refused : share of the unknown songs above the threshold.
    """

    higher: pd.DataFrame
    refused: float


def study_novelty(
    features: pd.DataFrame, rounds: list[Round], units: Units, seed: int
) -> tuple[list[dict], np.ndarray]:
    """Score known songs that were held out, and measure how well songs of unknown classes are detected.

    Parameters
    ----------
    features : DataFrame of float, shape (clips, columns)
        Features of the model's preset, indexed by clip_id.
    rounds : list of Round
        Folds of the honest protocol's first repeat; the tables have the column song as well.
    units : Units
        Votes and groups of the songs.
    seed : int
        Seed from config.

    Returns
    -------
    rows : list of dict
        Rows of NOVELTY_COLUMNS: one per class that was left out, then their mean with the label "all". Empty with fewer
        than three classes, because the others must still be two.
    held_out : ndarray of float, shape (votes,)
        Scores of the tested songs for `Novelty.fit`, ascending. Each comes from a fit without the song's fold.
    """
    held_out = pd.concat([_scores(features, fold.train, _some_songs(fold.test, seed), seed) for fold in rounds])
    labels = sorted(set().union(*(fold.test["label"] for fold in rounds)))
    left_out = {label: _leave_out(features, rounds, label, units, seed) for label in labels}
    measured = {label: one for label, one in left_out.items() if one is not None}
    return _rows(measured, units, seed) if measured else [], np.sort(by_vote(held_out, units).to_numpy())


def _scores(features: pd.DataFrame, reference: pd.DataFrame, rows: pd.DataFrame, seed: int) -> pd.Series:
    """Return the score of each song of `rows`, fitted on the clips of `reference`."""
    novelty = Novelty.fit(
        features.loc[reference["clip_id"]].to_numpy(),
        reference["song"].to_numpy(dtype=str),
        reference["label"].to_numpy(dtype=str),
        seed=seed,
    )
    songs = rows["song"].to_numpy(dtype=str)
    return pd.Series(novelty.scores(features.loc[rows["clip_id"]].to_numpy(), songs), np.unique(songs))


def _leave_out(features: pd.DataFrame, rounds: list[Round], label: str, units: Units, seed: int) -> _LeftOut | None:
    """Score known and unknown songs in each fold; None if fewer than two other classes can be trained on."""
    everything = pd.concat([rounds[0].train, rounds[0].valid, rounds[0].test])
    of_class = everything[everything["label"] == label]
    unknown = _some_songs(of_class, seed)
    known_scores, unknown_scores = [], []
    for fold in rounds[:_FOLDS]:
        # A group of the class is not trained on, even if some of its songs have another label.
        reference, known = (rows[~rows["group"].isin(of_class["group"])] for rows in (fold.train, fold.test))
        if reference["label"].nunique() < _FEWEST or known.empty:
            continue
        known = _some_songs(known, seed)
        scores = _scores(features, reference, pd.concat([known, unknown]), seed)
        known_scores.append(by_vote(scores[known["song"].unique()], units))
        unknown_scores.append(by_vote(scores[unknown["song"].unique()], units))
    if not known_scores:
        return None
    pairs = zip(known_scores, unknown_scores, strict=True)
    # Only scores of the same fit are compared with one another.
    higher = pd.concat([_compare(known, unknown) for known, unknown in pairs])
    threshold = threshold_of(pd.concat(known_scores).to_numpy())
    return _LeftOut(higher, float((pd.concat(unknown_scores) > threshold).mean()))


def _some_songs(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the clips of _MOST_SONGS songs at most: each song is compared with all that were trained on."""
    songs = rows["song"].unique()
    if len(songs) <= _MOST_SONGS:
        return rows
    return rows[rows["song"].isin(np.random.default_rng(seed).choice(np.sort(songs), _MOST_SONGS, replace=False))]


def _compare(known: pd.Series, unknown: pd.Series) -> pd.DataFrame:
    ahead = unknown.to_numpy() - known.to_numpy()[:, np.newaxis]
    return pd.DataFrame((np.sign(ahead) + 1) / 2, index=known.index, columns=unknown.index)


def _rows(left_out: dict[str, _LeftOut], units: Units, seed: int) -> list[dict]:
    songs = pd.Index(units.group_of)
    votes = by_vote(pd.Series(0.0, index=songs), units).index
    draws = np.vstack([np.ones(len(votes), np.int16), vote_draws(songs, units, seed)])
    areas = {label: _areas(one.higher, draws, votes) for label, one in left_out.items()}
    rows = [
        {"label": label, "n_songs": one.higher.shape[1]} | _figures(areas[label]) | {"refused": one.refused}
        for label, one in left_out.items()
    ]
    n_songs, refused = sum(row["n_songs"] for row in rows), float(np.mean([row["refused"] for row in rows]))
    # A draw can be without any song of a class.
    mean = np.nanmean(list(areas.values()), axis=0)
    rows.append({"label": ALL, "n_songs": n_songs} | _figures(mean) | {"refused": refused})
    return [row | {"refused": round(row["refused"], _DECIMALS)} for row in rows]


def _areas(higher: pd.DataFrame, draws: np.ndarray, votes: pd.Index) -> np.ndarray:
    """Return the area under the ROC curve, shape (1 + draws,), as measured first; NaN in a draw without pairs."""
    known, unknown = (draws[:, votes.get_indexer(index)] for index in (higher.index, higher.columns))
    pairs = known.sum(axis=1) * unknown.sum(axis=1)
    won = ((known @ higher.to_numpy()) * unknown).sum(axis=1)
    return np.where(pairs > 0, won / np.where(pairs > 0, pairs, 1), np.nan)


def _figures(areas: np.ndarray) -> dict[str, float]:
    low, high = interval(areas[1:])
    figures = {"auroc": float(areas[0]), "auroc_low": low, "auroc_high": high}
    return {name: round(value, _DECIMALS) for name, value in figures.items()}
