"""Memory and time that jobs ask a cluster for. Locally they limit nothing.

The formulas have a margin of about two above the largest process measured (docs/cluster.md). What was too little is
doubled with each attempt of a job. Light: this module is imported at every start of Snakemake.
"""

import builtins
from collections.abc import Iterable, Mapping
from pathlib import Path

from songwise.errors import InputError

_MEGABYTE = 1_000_000
_BASE_MB = 1000  # of any job: its libraries take up to 450 MB
_DECODED_MB_PER_SECOND = 0.8  # a whole track is decoded: two copies of 48 kHz in float64
_MB_PER_TABLE_MB = 2  # a table, which is compressed on disk, and a part of it again
_MB_PER_FITTED_MB, _MOST_FITTED_MB = 8, 8000  # copies of it as 64-bit numbers, of 2 GiB at most (`models.sample`)
_BASE_MINUTES = 15
_MINUTES_PER_TRACK = 0.25
_TABLE_MB_PER_MINUTE = 4


def shard_memory(max_seconds: float, attempt: int) -> int:
    """Return the memory of a job that decodes the tracks of a shard, one at a time.

    Parameters
    ----------
    max_seconds : float
        How much of each track is decoded.
    attempt : int
        1 for the first attempt.

    Returns
    -------
    int
        MB.
    """
    return round(_BASE_MB + _DECODED_MB_PER_SECOND * max_seconds) * _factor(attempt)


def shard_minutes(tracks: int, attempt: int) -> int:
    """Return the time limit of a job that decodes the tracks of a shard.

    Parameters
    ----------
    tracks : int
        Number of tracks.
    attempt : int
        1 for the first attempt.

    Returns
    -------
    int
        Minutes.
    """
    return round(_BASE_MINUTES + _MINUTES_PER_TRACK * tracks) * _factor(attempt)


def table_memory(paths: Iterable[str | Path], attempt: int) -> int:
    """Return the memory of a job that reads tables, such as the training of a model.

    Parameters
    ----------
    paths : iterable of str or Path
        The job's inputs. Those that do not exist yet count nothing.
    attempt : int
        1 for the first attempt.

    Returns
    -------
    int
        MB.
    """
    table = _megabytes(paths)
    fitted = min(_MB_PER_FITTED_MB * table, _MOST_FITTED_MB)
    return round(_BASE_MB + _MB_PER_TABLE_MB * table + fitted) * _factor(attempt)


def table_minutes(paths: Iterable[str | Path], attempt: int) -> int:
    """Return the time limit of a job that reads tables.

    Parameters
    ----------
    paths : iterable of str or Path
        The job's inputs. Those that do not exist yet count nothing.
    attempt : int
        1 for the first attempt.

    Returns
    -------
    int
        Minutes.
    """
    return round(_BASE_MINUTES + _megabytes(paths) / _TABLE_MB_PER_MINUTE) * _factor(attempt)


def check_names(resources: Mapping[str, object]) -> None:
    """Raise InputError if the name of a partition or account would be taken for a function of Python.

    Parameters
    ----------
    resources : mapping of str to object
        Default resources as they were written, before Snakemake evaluates them.

    Raises
    ------
    InputError
        Naming the resource, with what to write instead.
    """
    for resource, value in resources.items():
        if resource.startswith("slurm_") and isinstance(value, str) and hasattr(builtins, value):
            raise InputError(
                f"default-resources: {resource}={value}: Snakemake takes {value} for Python's function of that name. "
                f"""Put it in quotes of its own: {resource}="'{value}'\""""
            )


def _factor(attempt: int) -> int:
    return 2 ** (attempt - 1)


def _megabytes(paths: Iterable[str | Path]) -> float:
    return sum(path.stat().st_size for path in map(Path, paths) if path.is_file()) / _MEGABYTE
