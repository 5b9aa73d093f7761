"""How long the jobs of each rule take: measured in this run, or in earlier ones of this folder."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from songwise.files import read_json, write_json

RECORD = Path("logs/seconds.json")


class Costs:
    """Mean seconds per job of each rule.

    Parameters
    ----------
    record : Path
        JSON of earlier runs: {DATASET: {RULE: seconds}}. A missing or damaged one counts as empty.
    """

    def __init__(self, record: Path = RECORD):
        self._path = record
        self._earlier = _read(record)
        self._measured: dict[str, list[float]] = {}
        self._dataset = ""

    def add(self, rule: str, dataset: str, seconds: float) -> None:
        """Count a finished job.

        Parameters
        ----------
        rule, dataset : str
            The job's rule, and its data set; "" if it has none.
        seconds : float
            Wall time.
        """
        self._dataset = dataset or self._dataset
        self._measured.setdefault(rule, []).append(seconds)

    def of(self, rule: str) -> float | None:
        """Return the expected seconds of one job.

        Parameters
        ----------
        rule : str
            Name of a rule.

        Returns
        -------
        float or None
            The mean of this run; otherwise that of an earlier run of the data set; otherwise that of another data set,
            scaled by how much slower this one has been so far; None if nothing is known.
        """
        if rule in self._measured:
            return _mean(self._measured[rule])
        own = self._earlier.get(self._dataset, {})
        if rule in own:
            return own[rule]
        for name, other in self._earlier.items():
            if name != self._dataset and rule in other:
                return other[rule] * self._ratio(other)
        return None

    def save(self) -> None:
        """Record the means of this run for the next one."""
        if not self._measured:
            return
        own = {rule: round(_mean(seconds), 2) for rule, seconds in self._measured.items()}
        merged = self._earlier | {self._dataset: self._earlier.get(self._dataset, {}) | own}
        with suppress(OSError):  # a full disk; the next run estimates later then
            write_json(self._path, merged)

    def _ratio(self, other: Mapping[str, float]) -> float:
        common = [rule for rule in self._measured if other.get(rule)]
        there = sum(other[rule] * len(self._measured[rule]) for rule in common)
        return sum(sum(self._measured[rule]) for rule in common) / there if there else 1.0


def _read(path: Path) -> dict[str, dict[str, float]]:
    try:
        found = read_json(path)
        return {name: {rule: float(value) for rule, value in rules.items()} for name, rules in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
