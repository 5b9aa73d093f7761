"""One live run a folder, and nothing left in its way by one that was killed.

Snakemake's own lock outlives a kill -9 and then stops the next run. A lock of the operating system's cannot:
who holds it is alive.
"""

import fcntl
import os
import shutil
import threading
import time
from pathlib import Path
from typing import TextIO

from songwise.errors import InputError

_LOCK = Path(".snakemake/songwise.lock")
_LOOK_EVERY = 0.5  # seconds between a job's looks at its run


def claim(folder: Path) -> TextIO:
    """Make this process the folder's live run, and clear what a killed one left.

    Returns
    -------
    The lock; the run ends when it is closed, at the latest with the process.

    Raises
    ------
    InputError : another run is live in this folder.
    """
    path = folder / _LOCK
    path.parent.mkdir(exist_ok=True)
    lock = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise InputError(
            f"another run is at work in this folder ({_read(path)}); wait for it, or stop it with Ctrl-C. "
            "Looking is fine meanwhile: snakemake -n, mlflow ui"
        ) from error
    killed = any((folder / ".snakemake" / "locks").glob("*"))
    lock.truncate(0)
    lock.write(f"process {os.getpid()}")
    lock.flush()
    if killed:
        time.sleep(3 * _LOOK_EVERY)  # for jobs that outlived their run to notice
        shutil.rmtree(folder / ".snakemake" / "locks")
    return lock


def end_with_run() -> None:
    """End this job's process when the run that started it is gone, so that no orphan writes into the next run."""
    run = _read(_LOCK)
    if run and _is_held():
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
