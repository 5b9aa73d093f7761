"""Uncertainty by resampling groups: intervals, comparisons with the best model, and the best without its luck.

A drawn group carries all its songs, clips and repeats, so that none of them counts as more than it is.
"""

import numpy as np

DRAWS = 2000
_COMPARISONS = 10  # times as many draws for p values: Holm's correction multiplies the smallest by the models
_LEVEL = 0.95
SIGNIFICANT = 0.05
_EQUAL = 1e-9  # of a difference of accuracies: rounding


def bootstrap_draws(n_groups: int, seed: int) -> np.ndarray:
    """How often each group is drawn, int, shape (DRAWS, n_groups): the same for all models, so that they pair."""
    return _draw(np.random.default_rng([seed, n_groups]), n_groups)


def _draw(rng: np.random.Generator, n_groups: int) -> np.ndarray:
    return rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=DRAWS)


def interval(values: np.ndarray) -> tuple[float, float]:
    """The percentile interval (95 %) of bootstrap values, shape (draws,).

    A value is NaN where a draw holds nothing that was tested, as can be where few groups are; it does not count.
    """
    low, high = np.nanquantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def compare(hits: np.ndarray, votes: np.ndarray, best: int, seed: int) -> np.ndarray:
    """How surprising each model's distance from the best one would be if there were none.

    Groups are drawn, both models are scored on the same ones, and p is twice the share of draws in which the order
    is reversed or equal, which is small where the paired interval excludes 0. Holm's method corrects for the number
    of comparisons. That the best was chosen by looking is not corrected for: see docs/evaluation.md.

    Parameters
    ----------
    hits : shape (models, groups), votes that are right; the songs of a group may be right in part of the repeats.
    votes : shape (groups,), all votes of each group; 0 for a group that was never tested.
    best : row of `hits` that the others are compared with.
    seed : of the draws, of which there are 20,000.

    Returns
    -------
    Corrected p values, shape (models,); 1 for the best itself.
    """
    ahead = hits[best] - hits
    rng = np.random.default_rng([seed, len(votes), _COMPARISONS])
    reversed_, equal, usable = np.zeros(len(hits)), np.zeros(len(hits)), 0
    for _ in range(_COMPARISONS):
        draws = _draw(rng, len(votes))
        drawn = draws @ votes > 0
        difference = draws[drawn] @ ahead.T
        equal += (np.abs(difference) <= _EQUAL).sum(axis=0)
        reversed_ += (difference < -_EQUAL).sum(axis=0)
        usable += drawn.sum()
    p = np.minimum(2 * (np.minimum(reversed_ + equal, usable - reversed_) + 1) / (usable + 1), 1.0)
    others = np.arange(len(hits)) != best
    corrected = np.ones(len(hits))
    corrected[others] = holm(p[others])
    return corrected


def holm(p: np.ndarray) -> np.ndarray:
    """P values corrected for their number by Holm's method (Scandinavian Journal of Statistics 6, 1979)."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def select_corrected(hits: np.ndarray, votes: np.ndarray, draws: np.ndarray) -> dict[str, float]:
    """Song accuracy of "take the best of these models", without the optimism of having looked.

    In each draw the winner is chosen on the drawn groups and scored on those that were not drawn (bootstrap
    bias-corrected cross-validation: Tsamardinos, Greasidou and Borboudakis, Machine Learning 107, 2018).

    Parameters
    ----------
    hits, votes : as in `compare`.
    draws : shape (draws, groups), from `bootstrap_draws`.
    """
    inside, left_out = draws @ hits.T, (draws == 0).astype(float)
    outside_votes = left_out @ votes
    usable = (draws @ votes > 0) & (outside_votes > 0)
    winners = inside[usable].argmax(axis=1)
    outside = (left_out[usable] @ hits.T)[np.arange(len(winners)), winners]
    scores = outside / outside_votes[usable]
    low, high = interval(scores)
    return {
        "corrected_song_accuracy": round(float(scores.mean()), 4),
        "corrected_song_accuracy_low": round(low, 4),
        "corrected_song_accuracy_high": round(high, 4),
    }
