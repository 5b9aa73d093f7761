"""Why a job on a Slurm cluster ended, in words: Snakemake's message has Slurm's state, and of a group not even that."""

import re
import shutil
import subprocess
from pathlib import Path

_FIELD = re.compile(r"(\w+)=(\S*)")
_TAIL = 1 << 16  # bytes at the end of a log
_TIMEOUT = 30.0  # seconds that Slurm may take to answer
_STATES = {
    "TIMEOUT": "Slurm ended it at its time limit of {TimeLimit}",
    "DEADLINE": "Slurm ended it at its deadline",
    "OUT_OF_MEMORY": "Slurm ended it because it needed more than its {MinMemoryNode} of memory",
    "NODE_FAIL": "its node {NodeList} failed",
    "BOOT_FAIL": "its node {NodeList} did not start",
    "PREEMPTED": "Slurm ended it in favour of a job with a higher priority",
    "CANCELLED": "it was cancelled (scancel)",
}
_LIMITS = {"TIMEOUT": "runtime", "OUT_OF_MEMORY": "mem_mb"}


def why_it_ended(slurm_job: str) -> tuple[str, str]:
    """Return why Slurm ended a job, and the resource of which it needs more.

    Parameters
    ----------
    slurm_job : str
        The job's number in Slurm.

    Returns
    -------
    reason : str
        Empty if the job ended by itself, or if this cannot be known: not all clusters are Slurm's.
    resource : str
        Snakemake's name of the resource, "runtime" or "mem_mb"; otherwise empty.
    """
    fields = _describe(slurm_job)
    state = fields.get("JobState", "")
    if state == "FAILED" and _has_lacked_memory(Path(fields.get("StdOut", ""))):
        state = "OUT_OF_MEMORY"
    reason = _STATES.get(state, "")
    signal = fields.get("ExitCode", "").partition(":")[2]
    if state == "FAILED" and signal.isdigit() and int(signal):
        reason = f"it was killed by signal {signal}"
    return reason.format_map(_Known(fields)), _LIMITS.get(state, "")


def _has_lacked_memory(log: Path) -> bool:
    """Return whether Slurm killed a process of a job. Its state of the whole job may be no more than FAILED."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL))
            return b"oom-kill event" in stream.read().replace(b"_", b"-")
    except OSError:
        return False


class _Known(dict):
    def __missing__(self, key: str) -> str:
        return "(unknown)"


def _describe(slurm_job: str) -> dict[str, str]:
    """Return what Slurm knows of a job; it forgets jobs some minutes after their end."""
    if not shutil.which("scontrol") or not re.fullmatch(r"\d+(_\d+)?", slurm_job):
        return {}
    try:
        words = ["scontrol", "--oneliner", "show", "job", slurm_job]
        told = subprocess.run(words, capture_output=True, text=True, check=True, timeout=_TIMEOUT).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    return dict(_FIELD.findall(told))
