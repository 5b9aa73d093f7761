"""Who writes a file: a process on a host, for a run. Light: this module is imported at every start of Snakemake."""

import os
from typing import NamedTuple

RUN_VARIABLE = "SONGWISE_RUN"  # the environment variable that names the run of a job, on whichever host it is


class Owner(NamedTuple):
    """A process, and the run for which it works.

    Attributes
    ----------
    host : str
        The name of its host, without dots.
    process : int
        Its number on that host.
    run : str
        The token of its run; "0" outside of runs.
    """

    host: str
    process: int
    run: str

    def is_gone(self) -> bool:
        """Return whether the process has ended for sure.

        A process of this host is gone if no process has its number. Processes of other hosts cannot be seen, but jobs
        of earlier runs end when a new run claims the folder (`runtime.lock`).
        """
        if self.host == this_host():
            return not _is_alive(self.process)
        return self.run not in ("0", current_run())


def this_process() -> Owner:
    """Return this process as an owner of files."""
    return Owner(this_host(), os.getpid(), current_run())


def this_host() -> str:
    """Return the name of this machine as part of file names."""
    return os.uname().nodename.replace(".", "_")


def current_run() -> str:
    """Return the token of the run for which this process works; "0" outside of runs."""
    words = os.environ.get(RUN_VARIABLE, "").split()
    return words[2] if len(words) > 2 else "0"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
