"""Messages at the end of a run that failed."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

CLOCK_SET_BACK = "its inputs are from the future, because the clock of this machine was set back"
_OURS = "songwise: "  # how each line begins that a job writes for the person at the keyboard


class FailedJob(NamedTuple):
    """A job that failed.

    Attributes
    ----------
    name : str
        Its rule and wildcards.
    logs : list of str
        Paths of its logs.
    reason : str
        Why it did not end by itself, in words: what the cluster did, or the clock; otherwise empty.
    resource : str
        The resource of which it needs more, if the reason is a limit.
    """

    name: str
    logs: list[str]
    reason: str = ""
    resource: str = ""


def read_logs(folder: Path, since: float) -> dict[str, list[str]]:
    """Return the lines that jobs wrote for the person at the keyboard.

    Parameters
    ----------
    folder : Path
        The logs of a data set.
    since : float
        Start of the run, seconds since 1970; older logs are of other runs.

    Returns
    -------
    dict of str to list of str
        Path of each log to its lines, sorted by path.
    """
    logs = sorted(str(path) for path in folder.rglob("*.log") if path.stat().st_mtime >= since)
    return {log: [line for line in Path(log).read_text().splitlines() if line.startswith(_OURS)] for log in logs}


def summarise_failure(lines: Mapping[str, list[str]], failed: Iterable[FailedJob], *, is_disk_full: bool) -> str:
    """Return the messages of the failed jobs once more, and name the jobs without a message.

    Parameters
    ----------
    lines : mapping of str to list of str
        What `read_logs` returned.
    failed : iterable of FailedJob
        The failed jobs; empty if the run was stopped.
    is_disk_full : bool
        Whether a full disk explains empty logs; another message then gives the reason.

    Returns
    -------
    str
        Lines without repetition.
    """
    failed = list(failed)
    message = [line for of_log in lines.values() for line in of_log]
    message += [f"{_OURS}{job.name}: {job.reason}. {_advice(job)}" for job in failed if job.reason]
    message += [
        f"{_OURS}{job.name}: exited without an error message and was probably killed (out of memory?). Try fewer "
        "--cores, and run the same command again"
        for job in failed
        if not is_disk_full and not job.reason and not any(lines.get(log) for log in job.logs)
    ]
    if not failed:
        message.append(f"{_OURS}stopped before the end. The same command continues from here")
    return "\n".join(dict.fromkeys(message))


def _advice(job: FailedJob) -> str:
    continues = "The same command continues from here"
    if not job.resource:
        return continues
    rule = job.name.partition(" ")[0]
    return f"{continues}; --set-resources {rule}:{job.resource}=N gives it more"
