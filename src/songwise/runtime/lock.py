"""Locks: one live run per folder, and nothing left in its way by a run that was killed.

Snakemake's own lock outlives a kill -9 and then stops the next run. A lock of the operating system does not: the
process that holds it is alive. Where such locks do not reach, between hosts, the run's beat decides (`heartbeat`).
"""

import atexit
import fcntl
import logging
import os
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from songwise.errors import InputError, disk_full
from songwise.files import remove_unfinished
from songwise.owner import RUN_VARIABLE, Owner, this_host
from songwise.runtime.heartbeat import CHECK_EVERY, PATIENCE, Heartbeat, LiveRun, Pulse, is_beating, recorded_run

_LOCK = Path(".snakemake/songwise.lock")
_ATTEMPTS = 3
_LEAST = 8 << 20  # free bytes; with less, Snakemake cannot write its own records and ends in tracebacks


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait until no other process of this host is inside this lock, and keep others out meanwhile.

    The operating system releases the lock when the process ends, even if it is killed. On a file system without locks
    nobody waits.

    Parameters
    ----------
    path : Path
        The lock's file, created if it is missing and never removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Claim:
    """A folder's live run, from `claim` until it is closed, at the latest until the process ends.

    Parameters
    ----------
    folder : Path
        The project's folder.
    lock : TextIO
        Its lock file, locked if `run.locks`.
    run : LiveRun
        This process.
    """

    def __init__(self, folder: Path, lock: TextIO, run: LiveRun):
        self._lock = lock
        self._heartbeat = Heartbeat(folder, run)

    def close(self) -> None:
        """End the run."""
        self._heartbeat.stop()
        self._lock.close()

    def __enter__(self) -> "Claim":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def claim(folder: Path) -> Claim:
    """Make this process the folder's live run, and clear what a killed run left.

    After a run that was killed on another host, this takes PATIENCE seconds.

    Parameters
    ----------
    folder : Path
        The project's folder.

    Returns
    -------
    Claim
        To be kept until the run ends.

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
    earlier = recorded_run(folder)
    try:
        locks = _take(lock) and _excludes(path)
        is_active = earlier is not None and not _has_ended(earlier, folder, locks=locks)
    except BlockingIOError:
        is_active = True
    if is_active:
        lock.close()
        by = f" ({earlier.name})" if earlier else ""
        raise InputError(
            f"another run is active in this folder{by}. Wait for it, or stop it with Ctrl-C. "
            "You can still use snakemake -n and mlflow ui"
        )
    run = LiveRun(Owner(this_host(), os.getpid(), uuid.uuid4().hex[:8]), locks=locks)
    os.environ[RUN_VARIABLE] = str(run)
    claimed = Claim(folder, lock, run)
    snakemakes = folder / ".snakemake"
    if earlier or any((snakemakes / "locks").glob("*")):
        time.sleep(3 * CHECK_EVERY)  # until jobs that outlived their run have noticed
        shutil.rmtree(snakemakes / "locks", ignore_errors=True)
        shutil.rmtree(snakemakes / "scripts", ignore_errors=True)
    for name in ("data", "results"):
        remove_unfinished(folder / name)
    return claimed


def active_run(folder: Path) -> str:
    """Return which process runs in a folder, such as "process 4711"; "" if none does. Nothing is changed.

    Parameters
    ----------
    folder : Path
        The project's folder.
    """
    run = recorded_run(folder)
    if run is None:
        return ""
    is_alive = _is_held(folder) if run.locks and run.is_on_this_host else is_beating(folder, run)
    return run.name if is_alive else ""


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


def _take(lock: TextIO) -> bool:
    """Lock a file; False if the file system has no locks. Raises BlockingIOError if another process has it."""
    for attempt in range(_ATTEMPTS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            # Jobs that outlived their run hold the lock for a moment each time they check it.
            if attempt + 1 == _ATTEMPTS:
                raise
            time.sleep(0.1)
        except OSError:
            return False
    return False


def _excludes(path: Path) -> bool:
    """Return whether the lock that this process has just taken keeps others out: some file systems only pretend."""
    with path.open("a+", encoding="utf-8") as second:
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


def _has_ended(run: LiveRun, folder: Path, *, locks: bool) -> bool:
    """Return whether a recorded run is dead, when this process could take the lock, or there are no locks."""
    if run.is_on_this_host and ((locks and run.locks) or run.owner.is_gone()):
        return True
    print(
        f"songwise: {run.name} has not ended as it should. Waiting up to {PATIENCE:.0f} s to see whether it is alive",
        file=sys.stderr,
        flush=True,
    )
    return not is_beating(folder, run)


def end_with_run() -> None:
    """End this process when the run for which it works is gone, so that no orphan writes into the next run.

    On the host of the run that takes half a second, on other hosts at most PATIENCE seconds, or half a second after the
    next run has begun.
    """
    run = LiveRun.parse(os.environ.get(RUN_VARIABLE, ""))
    if run is None:
        return
    if not run.is_on_this_host and not _LOCK.exists():
        return  # the folder is not shared between the hosts
    pulse = Pulse(Path(), run)
    if not _is_alive(run, pulse):
        os._exit(1)
    threading.Thread(target=_watch, args=(run, pulse), daemon=True).start()


def _watch(run: LiveRun, pulse: Pulse) -> None:
    while _is_alive(run, pulse):
        time.sleep(CHECK_EVERY)
    os._exit(1)


def _is_alive(run: LiveRun, pulse: Pulse) -> bool:
    if run.locks and run.is_on_this_host:
        return recorded_run(Path()) == run and _is_held(Path())
    return pulse.check()


def _is_held(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
