"""Uncertainty by resampling groups: intervals, comparisons with the best model, and the best model's corrected figure.

A drawn group brings all its songs, clips and repeats, so that none of them counts as more than it is.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

DRAWS = 2000
SIGNIFICANT = 0.05
_LEVEL = 0.95
_COMPARISONS = 10  # times as many draws for p values, because Holm's correction multiplies the smallest by the models
_EQUAL = 1e-9  # rounding error of a difference of accuracies
_TOGETHER = 1 << 25  # numbers of draws that are converted to floats at a time, 0.27 GB
_DECIMALS = 4  # of an accuracy and its interval


def bootstrap_draws(n_groups: int, seed: int) -> np.ndarray:
    """Return how often each group is drawn; the draws are the same for all models, so that models pair.

    Parameters
    ----------
    n_groups : int
        Number of groups, tested or not.
    seed : int
        Seed of the draws.

    Returns
    -------
    ndarray of int16, shape (DRAWS, n_groups)
        Each row sums to `n_groups`.
    """
    return _draw(np.random.default_rng([seed, n_groups]), n_groups)


def _draw(rng: np.random.Generator, n_groups: int) -> np.ndarray:
    draws = np.empty((DRAWS, n_groups), np.int16)  # a quarter of the memory: 0.4 GB for 100,000 songs
    for rows in _blocks(draws):
        rows[:] = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=len(rows))
    return draws


def _blocks(draws: np.ndarray) -> Iterator[np.ndarray]:
    """Yield draws, as many at a time as may be in memory as numbers of 8 bytes."""
    together = max(1, _TOGETHER // draws.shape[1])
    for start in range(0, len(draws), together):
        yield draws[start : start + together]


def drawn_sums(draws: np.ndarray, values: np.ndarray | csr_array) -> np.ndarray:
    """Return the sum of some values over the drawn groups, for each draw.

    Parameters
    ----------
    draws : ndarray of int, shape (draws, groups)
        How often each group is drawn.
    values : ndarray or csr_array of float, shape (groups,) or (groups, values)
        The values of each group.

    Returns
    -------
    ndarray of float, shape (draws,) or (draws, values)
        One sum per draw and value.
    """
    # Without the conversion, numpy would convert all draws at once; scipy multiplies sparse values from the left.
    return np.concatenate([block.astype(np.float64) @ values for block in _blocks(draws)])


def interval(values: np.ndarray) -> tuple[float, float]:
    """Return the percentile interval (95 %) of bootstrap values.

    Parameters
    ----------
    values : ndarray of float, shape (draws,)
        One value per draw. NaN, from a draw without a tested group, does not count.

    Returns
    -------
    tuple of float
        Lower and upper bound.
    """
    low, high = np.nanquantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def mean_with_interval(
    name: str, values: pd.Series | np.ndarray, draws: np.ndarray, *, bounds: Sequence[str] = ()
) -> dict[str, float]:
    """Return the mean of a value over votes and its interval (95 %).

    Parameters
    ----------
    name : str
        Key of the mean.
    values : Series or ndarray of float, shape (votes,)
        One value per vote.
    draws : ndarray of int, shape (draws, votes)
        How often each vote is drawn (`votes.vote_draws`).
    bounds : sequence of str, optional
        Keys of the lower and the upper bound; NAME_low and NAME_high by default.

    Returns
    -------
    dict of str to float
        Mean and bounds, rounded to four decimals.
    """
    drawn = draws.sum(axis=1)
    # A draw can be without any tested group.
    low, high = interval(drawn_sums(draws, np.asarray(values, np.float64))[drawn > 0] / drawn[drawn > 0])
    keys = (name, *(bounds or (f"{name}_low", f"{name}_high")))
    return {key: round(float(value), _DECIMALS) for key, value in zip(keys, (values.mean(), low, high), strict=True)}


def compare(hits: np.ndarray, votes: np.ndarray, best: int, seed: int) -> np.ndarray:
    """Return p values for the null hypothesis that a model is as good as the best one.

    Groups are drawn, and both models are scored on the same ones. p is twice the share of draws in which the order is
    reversed or equal, which is small if the paired interval excludes 0. Holm's method corrects for the number of
    comparisons. The choice of the best model after seeing the results is not corrected for: see docs/evaluation.md.

    Parameters
    ----------
    hits : ndarray of float, shape (models, groups)
        Votes that are right. A song can be right in some of the repeats only.
    votes : ndarray of float, shape (groups,)
        All votes of each group; 0 for a group that was never tested.
    best : int
        Row of `hits` with which the others are compared.
    seed : int
        Seed of the 20,000 draws.

    Returns
    -------
    ndarray of float, shape (models,)
        Corrected p values; 1 for the best model itself.
    """
    ahead = hits[best] - hits
    rng = np.random.default_rng([seed, len(votes), _COMPARISONS])
    reversed_, equal, usable = np.zeros(len(hits)), np.zeros(len(hits)), 0
    for _ in range(_COMPARISONS):
        draws = _draw(rng, len(votes))
        drawn = drawn_sums(draws, votes) > 0
        difference = drawn_sums(draws, ahead.T)[drawn]
        equal += (np.abs(difference) <= _EQUAL).sum(axis=0)
        reversed_ += (difference < -_EQUAL).sum(axis=0)
        usable += drawn.sum()
    p = np.minimum(2 * (np.minimum(reversed_ + equal, usable - reversed_) + 1) / (usable + 1), 1.0)
    others = np.arange(len(hits)) != best
    corrected = np.ones(len(hits))
    corrected[others] = holm(p[others])
    return corrected


def holm(p: np.ndarray) -> np.ndarray:
    """Return p values corrected for their number by Holm's method.

    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979.

    Parameters
    ----------
    p : ndarray of float, shape (tests,)
        Uncorrected p values.

    Returns
    -------
    ndarray of float, shape (tests,)
        At most 1.
    """
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def select_corrected(hits: np.ndarray, votes: np.ndarray, draws: np.ndarray) -> dict[str, float]:
    """Return the song accuracy of "take the best of these models", without the optimism of that choice.

    In each draw the winner is chosen on the drawn groups and scored on the others (bootstrap bias-corrected
    cross-validation: Tsamardinos, Greasidou and Borboudakis, Machine Learning 107, 2018).

    Parameters
    ----------
    hits : ndarray of float, shape (models, groups)
        Votes that are right.
    votes : ndarray of float, shape (groups,)
        All votes of each group.
    draws : ndarray of int, shape (draws, groups)
        From `bootstrap_draws`.

    Returns
    -------
    dict of str to float
        corrected_song_accuracy and its 95 % interval, corrected_song_accuracy_low and corrected_song_accuracy_high.
    """
    inside, left_out = drawn_sums(draws, hits.T), draws == 0
    outside_votes = drawn_sums(left_out, votes)
    usable = (drawn_sums(draws, votes) > 0) & (outside_votes > 0)
    winners = inside[usable].argmax(axis=1)
    outside = drawn_sums(left_out, hits.T)[usable][np.arange(len(winners)), winners]
    scores = outside / outside_votes[usable]
    low, high = interval(scores)
    return {
        "corrected_song_accuracy": round(float(scores.mean()), _DECIMALS),
        "corrected_song_accuracy_low": round(low, _DECIMALS),
        "corrected_song_accuracy_high": round(high, _DECIMALS),
    }
