"""One live run a folder, and nothing left in its way by one that was killed.

Snakemake's own lock outlives a kill -9 and then stops the next run. A lock of the operating system's cannot:
who holds it is alive.
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
_RUN = "SONGWISE_RUN"  # the environment's variable by which a job knows its run
_LOOK_EVERY = 0.5  # seconds between a job's looks at its run
_ATTEMPTS = 3
_LEAST = 8 << 20  # bytes free, with less of which Snakemake cannot write its own records, and ends in tracebacks


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
    """Make this process the folder's live run, and clear what a killed one left.

    Returns
    -------
    The lock; the run ends when it is closed, at the latest with the process.

    Raises
    ------
    InputError : another run is live in this folder, or its disk is full.
    """
    if is_full(folder):
        raise InputError(disk_full(folder))
    path = folder / _LOCK
    path.parent.mkdir(exist_ok=True)
    lock = path.open("a+", encoding="utf-8")
    if not _taken(lock):
        raise InputError(
            f"another run is at work in this folder ({_read(path)}); wait for it, or stop it with Ctrl-C. "
            "Looking is fine meanwhile: snakemake -n, mlflow ui"
        )
    run = f"process {os.getpid()}"
    lock.truncate(0)
    lock.write(run)
    lock.flush()
    os.environ[_RUN] = f"{os.uname().nodename} {run}"
    snakemakes = folder / ".snakemake"
    if any((snakemakes / "locks").glob("*")):
        time.sleep(3 * _LOOK_EVERY)  # for jobs that outlived their run to notice
        shutil.rmtree(snakemakes / "locks")
        shutil.rmtree(snakemakes / "scripts", ignore_errors=True)
    for name in ("data", "results"):
        remove_unfinished(folder / name)
    return lock


def end_in_words(folder: Path) -> None:
    """Let Snakemake's process end with words, not tracebacks, on Ctrl-C and on a full disk."""
    sys.excepthook = _excepthook
    logging.raiseExceptions = False  # on a full disk, each line for Snakemake's log would be one
    if not is_full(folder):
        atexit.register(_mention_full_disk, folder.resolve())


def _excepthook(kind, error, traceback) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("songwise: stopped; the same command goes on from here", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


def _mention_full_disk(folder: Path) -> None:
    # Where Snakemake cannot write its records, it asks for permissions.
    if folder.is_dir() and is_full(folder):
        print(f"songwise: {disk_full(folder)}", file=sys.stderr)


def is_full(folder: Path) -> bool:
    """Whether Snakemake could not go on where `folder` lies for want of space."""
    usage = shutil.disk_usage(folder)
    return usage.total > 0 and usage.free < _LEAST  # some network file systems tell nothing


def _taken(lock: TextIO) -> bool:
    # Jobs that outlived their run hold it for a moment each time that they look.
    for attempt in range(_ATTEMPTS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if attempt + 1 < _ATTEMPTS:
                time.sleep(0.1)
    return False


def end_with_run() -> None:
    """End this job's process when the run that started it is gone, so that no orphan writes into the next run."""
    host, _, run = os.environ.get(_RUN, "").partition(" ")
    # On a cluster's other machines the lock may not be seen to be held; there a job believes what it sees first.
    if host != os.uname().nodename:
        run = _read(_LOCK) if _is_held() else ""
    if run:
        threading.Thread(target=_watch, args=(run,), daemon=True).start()


def _watch(run: str) -> None:
    while _read(_LOCK) == run and _is_held():
        time.sleep(_LOOK_EVERY)
    os._exit(1)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _is_held() -> bool:
    try:
        with _LOCK.open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
