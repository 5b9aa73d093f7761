"""What is said to the person at the keyboard."""

import difflib
import errno
import shutil
from pathlib import Path

_SHOWN = 10  # problems named in one message
_FULL = {errno.ENOSPC, errno.EDQUOT}


class InputError(Exception):
    """Something the user gave cannot be used.

    The message says what is wrong, where (file, row or key) and what to do; it is printed without a traceback.
    """


def suggestion(name: str, known: list[str]) -> str:
    """'; did you mean X?' for the nearest known name, else the list of known names."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f" (known: {', '.join(sorted(known))})" if known else ""


def raise_all(where: object, problems: list[str]) -> None:
    """Raise an InputError that names `where` and the first of `problems`, if there are any."""
    if problems:
        more = f"\n{where}: and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise InputError("\n".join(f"{where}: {problem}" for problem in problems[:_SHOWN]) + more)


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it followed from, is that a disk is full."""
    while error is not None:
        # SQLite's has no number.
        if (isinstance(error, OSError) and error.errno in _FULL) or "disk is full" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def disk_full(folder: Path) -> str:
    """The message for a disk that is full; it says how much is free where `folder` lies."""
    free = shutil.disk_usage(folder).free / 2**20
    return (
        f"the disk is full ({free:.1f} MiB are free in {folder.resolve()}); "
        "free some space and run the same command again: it goes on where this run stopped"
    )
