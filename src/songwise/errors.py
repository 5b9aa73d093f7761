"""Errors for the person at the keyboard: what is wrong, where, and what to do."""

import difflib
import errno
import shutil
from collections.abc import Sequence
from pathlib import Path

_SHOWN = 10  # problems named in one message
_FULL = {errno.ENOSPC, errno.EDQUOT}
_DENIED = {errno.EROFS, errno.EACCES, errno.EPERM}


class InputError(Exception):
    """Something that the user gave cannot be used.

    The message says what is wrong, where (file, row or key) and what to do. It is printed without a traceback.
    """


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return a hint for a name that is not known.

    Parameters
    ----------
    name : str
        What the user wrote.
    known : sequence of str
        What is possible.

    Returns
    -------
    str
        "; did you mean 'X'?" with the nearest known name, else the list of known names; empty if there are none.
    """
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f" (known: {', '.join(sorted(known))})" if known else ""


def raise_all(where: object, problems: Sequence[str]) -> None:
    """Raise one InputError for all problems of a file, if there are any.

    Parameters
    ----------
    where : object
        The file, named at the beginning of each line.
    problems : sequence of str
        One line per problem; the first ten are shown.

    Raises
    ------
    InputError
        If there is a problem.
    """
    if problems:
        more = f"\n{where}: and {len(problems) - _SHOWN:,} more" if len(problems) > _SHOWN else ""
        raise InputError("\n".join(f"{where}: {problem}" for problem in problems[:_SHOWN]) + more)


def is_disk_full(error: BaseException | None) -> bool:
    """Return whether an error, or one that it followed from, says that a disk is full.

    Parameters
    ----------
    error : BaseException or None
        The error that ended the work.
    """
    while error is not None:
        # SQLite's error has no number.
        if (isinstance(error, OSError) and error.errno in _FULL) or "disk is full" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def access_denied(error: BaseException) -> str:
    """Return the message for a file that may not be read or written; "" if an error says something else.

    Parameters
    ----------
    error : BaseException
        The error that ended the work.
    """
    if not isinstance(error, OSError) or error.errno not in _DENIED:
        return ""
    return (
        f"{error.filename or 'a file'}: {error.strerror}. songwise reads and writes files below the project's folder. "
        "Check who may do that, and that the disk is not mounted read-only; then run the same command again"
    )


def disk_full(folder: Path) -> str:
    """Return the message for a full disk, with the space that is free on the disk of a folder.

    Parameters
    ----------
    folder : Path
        Any folder on that disk.
    """
    free = shutil.disk_usage(folder).free / 2**20
    return (
        f"the disk is full ({free:.1f} MiB are free in {folder.resolve()}). Free some space and run the same command "
        "again: it continues where this run stopped"
    )
