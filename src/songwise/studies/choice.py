"""Which model of a leaderboard is used on new files."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from songwise.schemas.card import BEST, CHEAPEST_TIED

COST_COLUMNS = ("model", "features", "milliseconds")
_SAME_COST = 1.5  # times the cheapest: measurements vary


class Choice(NamedTuple):
    """The chosen model.

    Attributes
    ----------
    run : str
        MODEL@PRESET.
    reason : str
        Why, in a sentence.
    costs : dict of str to float
        Milliseconds per second of music of each model that was compared, and of the chosen one.
    """

    run: str
    reason: str
    costs: dict[str, float]


def choose_champion(setting: str, headline: Mapping, measure: Callable[[str], float]) -> Choice:
    """Choose the model that is used on new files.

    Parameters
    ----------
    setting : str
        "best": the first row of the leaderboard. "cheapest-tied": among it and the models that are statistically tied
        with it, the one that costs least. Models within a factor of 1.5 of the cheapest count as equally cheap, and the
        most accurate of them is chosen. Otherwise a MODEL@PRESET.
    headline : mapping
        Content of headline.json: best and within_noise, most accurate first.
    measure : callable
        Returns what a model costs.

    Returns
    -------
    Choice
        The model.
    """
    best, tied = headline["best"], list(headline["within_noise"])
    if setting not in (BEST, CHEAPEST_TIED):
        return Choice(setting, "It is the model that the configuration names.", {setting: measure(setting)})
    if setting == BEST or not tied:
        reason = "It is the most accurate model." if tied else "It is the most accurate model, and no other is tied."
        return Choice(best, reason, {best: measure(best)})
    costs = {run: measure(run) for run in [best, *tied]}
    cheapest = min(costs.values())
    chosen = next(run for run, cost in costs.items() if cost <= _SAME_COST * cheapest)
    if chosen == best:
        return Choice(best, "It is the most accurate model, and none that is tied with it is much cheaper.", costs)
    times = costs[best] / costs[chosen]
    return Choice(
        chosen,
        f"It is statistically tied with the most accurate model, {best}, and costs {_factor(times)} as much to use.",
        costs,
    )


def _factor(times: float) -> str:
    return f"1/{times:.0f}" if times >= 1.5 else f"{1 / times:.2f} times"
