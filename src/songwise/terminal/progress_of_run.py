"""What a run has done, does and has to do, from Snakemake's log events."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from songwise.terminal.costs import Costs
from songwise.terminal.messages import job_name
from songwise.terminal.stages import STAGES, stage_of


@dataclass(frozen=True)
class Job:
    """A job that runs, or has run.

    Attributes
    ----------
    name : str
        Its rule and what it works on.
    rule, dataset : str
        Its rule, and its data set; "" if it has none.
    started : float
        Seconds since 1970.
    """

    name: str
    rule: str
    dataset: str
    started: float


class RunProgress:
    """The state of a run.

    Parameters
    ----------
    costs : Costs
        Is given the time of each finished job, and estimates the others.
    """

    def __init__(self, costs: Costs):
        self._costs = costs
        self._planned: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._finished: Counter[str] = Counter()
        self.running: dict[int, Job] = {}
        self.done = self.total = 0
        self.cores = 1
        self.dataset = ""

    def plan(self, counts: dict[str, int]) -> None:
        """Note how many jobs of each rule are to be done."""
        self._planned = Counter({rule: int(n) for rule, n in counts.items() if rule != "total"})
        self._waiting = self._planned.copy()
        self.total = self._waiting.total()

    def describe(self, event: Any) -> None:
        """Note what a job is, from an event JOB_INFO."""
        wildcards = dict(event.wildcards.items()) if event.wildcards else {}
        dataset = wildcards.get("dataset", "")
        self.dataset = self.dataset or dataset
        self.running[event.jobid] = Job(
            job_name(event.rule_name, wildcards), event.rule_name, dataset, started=event.created
        )
        self._waiting[event.rule_name] -= 1

    def finish(self, jobid: int, now: float) -> Job | None:
        """Note that a job has finished, and return it."""
        job = self.running.pop(jobid, None)
        if job:
            self._finished[job.rule] += 1
            self._costs.add(job.rule, job.dataset, now - job.started)
        return job

    def fail(self, jobid: int) -> Job | None:
        """Note that a job has failed, and return it."""
        return self.running.pop(jobid, None)

    def stages(self) -> dict[str, tuple[int, int]]:
        """Return for each stage of the run how many jobs are done, and how many there are."""
        counts: dict[str, tuple[int, int]] = {}
        for rule, n in self._planned.items():
            stage = stage_of(rule)
            done, total = counts.get(stage, (0, 0))
            counts[stage] = done + self._finished[rule], total + n
        return {stage: counts[stage] for stage in STAGES if stage in counts}

    def seconds_left(self, now: float) -> float | None:
        """Return the expected seconds to the end of the run.

        Parameters
        ----------
        now : float
            Seconds since 1970.

        Returns
        -------
        float or None
            None while the cost of too many jobs is unknown.
        """
        waiting = {rule: n for rule, n in self._waiting.items() if n > 0}
        expected = {rule: self._costs.of(rule) for rule in {*waiting, *(job.rule for job in self.running.values())}}
        known = [seconds for seconds in expected.values() if seconds is not None]
        if len(known) * 2 < len(expected):
            return None
        usual = sorted(known)[len(known) // 2] if known else 0.0
        cost = {rule: usual if seconds is None else seconds for rule, seconds in expected.items()}
        rests = [max(cost[job.rule] - (now - job.started), 0.0) for job in self.running.values()]
        work = sum(cost[rule] * n for rule, n in waiting.items()) + sum(rests)
        return max([work / self.cores, *rests])
