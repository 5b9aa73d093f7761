"""What every workflow script runs its one call in: a log file, errors as messages, one thread."""

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def one_thread() -> None:
    """Let libraries use one thread: jobs run in parallel, and figures must not depend on the number of cores."""
    os.environ.update(dict.fromkeys(_THREADS, "1"))


one_thread()  # BLAS and OpenMP read this when they load

from songwise.errors import InputError, access_denied, disk_full, is_disk_full  # noqa: E402
from songwise.files import check_whole  # noqa: E402
from songwise.runtime.lock import end_with_run  # noqa: E402

_INTERRUPTED = 130  # the shell's exit code for Ctrl-C


class _Tee:
    """Text to two streams, so that a message reaches both the terminal and the log."""

    def __init__(self, *streams: TextIO):
        self._streams = streams

    def write(self, text: str) -> int:
        for stream in self._streams:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        for stream in self._streams:
            stream.flush()


@contextmanager
def job(log: str, inputs: Iterable[str] = ()) -> Iterator[None]:
    """Run one job: what it prints goes to its log, progress and errors also to the terminal.

    An InputError, a full or read-only disk and a lack of memory end the process with a message alone. Any other error
    is a bug of songwise and leaves its traceback in the log. Ctrl-C ends the process without a message.

    Parameters
    ----------
    log : str
        The file to write; its folder is created.
    inputs : iterable of str, default=()
        Files that earlier jobs wrote. A truncated one ends the job: Snakemake would not notice, and a table without
        its last rows would give wrong figures.
    """
    end_with_run()
    # Exit at once: Python would wait for threads that download. Half-written files have names of their own.
    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    terminal = sys.stderr
    try:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        with Path(log).open("w", encoding="utf-8") as stream:
            sys.stdout = stream
            warnings.showwarning = _warn_into(stream)
            sys.stderr = _Tee(terminal, stream)
            try:
                for path in map(Path, inputs):
                    if path.is_file():
                        check_whole(path)
                yield
            finally:
                sys.stdout, sys.stderr = sys.__stdout__, terminal
    except Exception as error:
        message, is_bug = _describe(error, log)
        terminal.write(f"songwise: {message}\n")
        with suppress(OSError), Path(log).open("a", encoding="utf-8") as stream:  # the disk may be full
            stream.write(f"{traceback.format_exc() if is_bug else ''}songwise: {message}\n")
        sys.exit(1)


def _describe(error: Exception, log: str) -> tuple[str, bool]:
    """Return the message for an error that ends a job, and whether the error is a bug of songwise."""
    # First of all: if the log cannot be written, that error hides the one before it.
    if is_disk_full(error):
        return disk_full(Path()), False
    if isinstance(error, InputError):
        return str(error), False
    if denied := access_denied(error):
        return denied, False
    if isinstance(error, MemoryError):
        return f"out of memory. Try fewer --cores, or close other programs ({log})", False
    return f"{type(error).__name__}: {error} (this is a bug of songwise; please report it with {log})", True


def _warn_into(stream: TextIO):
    def show(message, category, filename, lineno, file=None, line=None):
        stream.write(warnings.formatwarning(message, category, filename, lineno, line))

    return show
