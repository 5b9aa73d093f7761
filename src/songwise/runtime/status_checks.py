"""How often a run asks Slurm for the state of its jobs.

The executor (2.8) waits 10 s longer after each question without news, up to 180 s. So after jobs of some minutes, a run
would often not notice their end for a minute. One `squeue` for all jobs of a run every 15 s is no load for a cluster.
"""

import sys

_LONGEST = 15.0  # seconds


def check_often() -> None:
    """Limit the time between questions, if Slurm's executor is installed: Snakemake has imported it then."""
    executor = getattr(sys.modules.get("snakemake_executor_plugin_slurm"), "Executor", None)
    pause = getattr(executor, "next_seconds_between_status_checks", None)
    if not isinstance(pause, property) or pause.fset is None:
        return

    def limit(self, seconds: float | None) -> None:
        pause.fset(self, None if seconds is None else min(seconds, _LONGEST))

    executor.next_seconds_between_status_checks = property(pause.fget, limit)
