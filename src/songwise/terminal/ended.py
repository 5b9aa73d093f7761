"""Why jobs of this run ended, for the summary at its end: Snakemake forgets what its executor knew."""

from typing import NamedTuple


class Ending(NamedTuple):
    """How a job ended that failed on a cluster.

    Attributes
    ----------
    reason : str
        In words; empty if the job's own message is all that is known.
    resource : str
        The resource of which it needs more; otherwise empty.
    """

    reason: str = ""
    resource: str = ""


_endings: dict[int, Ending] = {}


def note_ending(jobid: int, ending: Ending) -> None:
    """Remember how a job ended.

    Parameters
    ----------
    jobid : int
        Snakemake's number of the job.
    ending : Ending
        Of its last attempt.
    """
    _endings[jobid] = ending


def ending_of(jobid: int) -> Ending:
    """Return how a job ended.

    Parameters
    ----------
    jobid : int
        Snakemake's number of the job.
    """
    return _endings.get(jobid, Ending())
