"""Changes to Snakemake's executor for Slurm (2.8): a job costs less, and a run notices every end, and sooner.

A job starts Snakemake, which starts Snakemake once more with `srun`: 2 to 4 s of CPU time and 170 MB per job, and
songwise has no jobs that need job steps. So the first one runs the job itself, as the generic executor for clusters
does.

The executor waits 10 s longer after each question without news, up to 180 s. So after jobs of some minutes, a run would
often not notice their end for a minute. One `squeue` for all jobs of a run every 15 s is no load for a cluster.

The executor leaves preempted jobs to Slurm, which puts them back into the queue or cancels them (PreemptMode). It would
wait for a cancelled one for ever. A job that stays preempted was not put back, so it has failed, and is retried.

A job of several models or shards would take as many cores as this host has, and keep all of them until its slowest part
is done. With one core it wastes none, and there are enough jobs to fill a cluster.
"""

import re
import sys
import time
from collections.abc import Sequence
from logging import Logger
from types import ModuleType

_LONGEST_PAUSE = 15.0  # seconds
_CORES = re.compile(r"(--cores|-c)(=|\d|$)")  # profiles/default sets them too, so only the command line is a wish
_BACK_WITHIN = 30.0  # seconds until a preempted job is in the queue again, if it is put back at all
_JOBSTEP, _DIRECT = "--executor slurm-jobstep --jobs 1", "--executor local"


def adapt_executor(words: Sequence[str]) -> None:
    """Make the changes, if Slurm's executor is installed: Snakemake has imported it then.

    Parameters
    ----------
    words : sequence of str
        Snakemake's command line. Cores that are asked for there remain.
    """
    plugin = sys.modules.get("snakemake_executor_plugin_slurm")
    executor = getattr(plugin, "Executor", None)
    if executor is None:
        return
    _start_once(executor)
    _ask_often(executor)
    _end_preempted(plugin)
    if not any(_CORES.match(word) for word in words):
        _use_one_core(executor)


def _start_once(executor: type) -> None:
    arguments = executor.additional_general_args

    def direct(self) -> str:
        if self.array_jobs:  # its elements find their commands with the help of the second start
            return arguments(self)
        # Of several models that share a job, one that fails must not keep the others from starting.
        keep_going = " --keep-going" if self.workflow.execution_settings.keep_going else ""
        return arguments(self).replace(_JOBSTEP, _DIRECT + keep_going)

    executor.additional_general_args = direct


def _ask_often(executor: type) -> None:
    pause = getattr(executor, "next_seconds_between_status_checks", None)
    if not isinstance(pause, property) or pause.fset is None:
        return

    def limit(self, seconds: float | None) -> None:
        pause.fset(self, None if seconds is None else min(seconds, _LONGEST_PAUSE))

    executor.next_seconds_between_status_checks = property(pause.fget, limit)


def _use_one_core(executor: type) -> None:
    prepare = getattr(executor, "__post_init__", None)
    if prepare is None:
        return

    def prepare_for_one_core(self, *arguments: object, **options: object) -> None:
        self.workflow.resource_settings.cores = self.workflow.global_resources["_cores"] = 1
        prepare(self, *arguments, **options)

    executor.__post_init__ = prepare_for_one_core


def _end_preempted(plugin: ModuleType) -> None:
    query = getattr(plugin, "query_job_status", None)
    if query is None:
        return
    since: dict[str, float] = {}

    async def end_preempted(command: str, logger: Logger) -> tuple[dict[str, str] | None, float | None]:
        states, seconds = await query(command, logger)
        now = time.monotonic()
        for job, state in (states or {}).items():
            if state != "PREEMPTED":
                since.pop(job, None)
            elif now - since.setdefault(job, now) >= _BACK_WITHIN:
                states[job] = "CANCELLED"
        return states, seconds

    plugin.query_job_status = end_preempted
