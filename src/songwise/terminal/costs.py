"""How long the jobs of each rule take: measured in this run, or in earlier ones of this folder."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from songwise.files import read_json, write_json

RECORD = Path("logs/seconds.json")

# Seconds per job in a first run of the demo with models=quick; of the fusion, with all models. Only ratios matter.
_DEMO = {
    "acquire_tracks": 1.9,
    "audit_fusion": 3.1,
    "audit_model": 3.4,
    "audit_shortcuts": 8.3,
    "check_models": 1.0,
    "check_splits": 0.8,
    "cluster_songs": 2.6,
    "compare_standardised": 0.7,
    "crown_champion": 6.5,
    "draw_calibration": 0.8,
    "draw_confusions": 2.6,
    "draw_importance": 0.8,
    "draw_leakage": 0.8,
    "draw_learning_curve": 0.8,
    "draw_map": 0.8,
    "draw_tracks": 7.0,
    "evaluate_models": 1.4,
    "extract_features": 5.4,
    "fuse_models": 6.8,
    "gather_tracks": 0.9,
    "inspect_tracks": 4.3,
    "log_runs": 13.5,
    "make_splits": 2.5,
    "predict_inner": 5.2,
    "render_report": 1.2,
    "study_best": 3.7,
    "train_model": 4.2,
    "write_attribution": 0.1,
}


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
            at least the demo, scaled by how much slower this one has been so far; None if nothing is known.
        """
        if rule in self._measured:
            return _mean(self._measured[rule])
        own = self._earlier.get(self._dataset, {})
        if rule in own:
            return own[rule]
        others = [rules for name, rules in self._earlier.items() if name != self._dataset]
        for other in (*others, _DEMO):
            if rule in other and (ratio := self._ratio(other)):
                return other[rule] * ratio
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
        return sum(sum(self._measured[rule]) for rule in common) / there if there else 0.0


def _read(path: Path) -> dict[str, dict[str, float]]:
    try:
        found = read_json(path)
        return {name: {rule: float(value) for rule, value in rules.items()} for name, rules in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
