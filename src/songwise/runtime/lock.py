"""Locks: one live run per folder, and nothing left in its way by a run that was killed.

Snakemake's own lock outlives a kill -9 and then stops the next run. A lock of the operating system does not: the
process that holds it is alive.
"""

import atexit
import fcntl
import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from songwise.errors import InputError, disk_full
from songwise.files import remove_unfinished

_LOCK = Path(".snakemake/songwise.lock")
_RUN = "SONGWISE_RUN"  # the environment variable that names a job's run
_CHECK_EVERY = 0.5  # seconds between a job's checks that its run is alive
_ATTEMPTS = 3
_LEAST = 8 << 20  # free bytes; with less, Snakemake cannot write its own records and ends in tracebacks


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait until no other process is inside this lock, and keep others out meanwhile.

    The operating system releases the lock when the process ends, even if it is killed.

    Parameters
    ----------
    path : Path
        The lock's file, created if it is missing and never removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def claim(folder: Path) -> TextIO:
    """Make this process the folder's live run, and clear what a killed run left.

    Parameters
    ----------
    folder : Path
        The project's folder.

    Returns
    -------
    TextIO
        The lock. The run ends when it is closed, at the latest with the process.

    Raises
    ------
    InputError
        If another run is live in this folder, or its disk is full.
    """
    if is_full(folder):
        raise InputError(disk_full(folder))
    path = folder / _LOCK
    path.parent.mkdir(exist_ok=True)
    lock = path.open("a+", encoding="utf-8")
    if not _taken(lock):
        raise InputError(
            f"another run is active in this folder ({_read(path)}). Wait for it, or stop it with Ctrl-C. "
            "You can still use snakemake -n and mlflow ui"
        )
    run = f"process {os.getpid()}"
    lock.truncate(0)
    lock.write(run)
    lock.flush()
    os.environ[_RUN] = f"{os.uname().nodename} {run}"
    snakemakes = folder / ".snakemake"
    if any((snakemakes / "locks").glob("*")):
        time.sleep(3 * _CHECK_EVERY)  # until jobs that outlived their run have noticed
        shutil.rmtree(snakemakes / "locks")
        shutil.rmtree(snakemakes / "scripts", ignore_errors=True)
    for name in ("data", "results"):
        remove_unfinished(folder / name)
    return lock


def active_run(folder: Path) -> str:
    """Return which process runs in a folder, such as "process 4711"; "" if none does. Nothing is changed.

    Parameters
    ----------
    folder : Path
        The project's folder.
    """
    path = folder / _LOCK
    return _read(path) if _is_held(path) else ""


def end_in_words(folder: Path) -> None:
    """Let Snakemake's process end with a message, not a traceback, on Ctrl-C and on a full disk.

    Parameters
    ----------
    folder : Path
        The project's folder.
    """
    sys.excepthook = _excepthook
    logging.raiseExceptions = False  # on a full disk, each line for Snakemake's log would print a traceback
    if not is_full(folder):
        atexit.register(_mention_full_disk, folder.resolve())


def _excepthook(kind, error, traceback) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("songwise: stopped. The same command continues from here", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


def _mention_full_disk(folder: Path) -> None:
    # If Snakemake cannot write its records, its own message is about permissions.
    if folder.is_dir() and is_full(folder):
        print(f"songwise: {disk_full(folder)}", file=sys.stderr)


def is_full(folder: Path) -> bool:
    """Return whether a disk has too little space for Snakemake to continue.

    Parameters
    ----------
    folder : Path
        Any folder on that disk.
    """
    usage = shutil.disk_usage(folder)
    return usage.total > 0 and usage.free < _LEAST  # some network file systems report nothing


def _taken(lock: TextIO) -> bool:
    # Jobs that outlived their run hold the lock for a moment each time they check it.
    for attempt in range(_ATTEMPTS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if attempt + 1 < _ATTEMPTS:
                time.sleep(0.1)
    return False


def end_with_run() -> None:
    """End this job's process when its run is gone, so that no orphan writes into the next run."""
    host, _, run = os.environ.get(_RUN, "").partition(" ")
    # On another machine of a cluster the lock may not be visible: there a job trusts what it sees first.
    if host != os.uname().nodename:
        run = _read(_LOCK) if _is_held() else ""
    if run:
        threading.Thread(target=_watch, args=(run,), daemon=True).start()


def _watch(run: str) -> None:
    while _read(_LOCK) == run and _is_held():
        time.sleep(_CHECK_EVERY)
    os._exit(1)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _is_held(path: Path = _LOCK) -> bool:
    try:
        with path.open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
