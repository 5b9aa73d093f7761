"""What every workflow script needs around its one call: a log file, errors in words, one thread, progress."""

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Read by BLAS and OpenMP when they load: jobs run in parallel, and figures must not depend on cores.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[_name] = "1"

from songwise.errors import InputError, disk_full, is_disk_full  # noqa: E402
from songwise.runtime.lock import end_with_run  # noqa: E402

_INTERRUPTED = 130  # the shell's exit code for Ctrl-C


class _Tee:
    """Text to two streams, so that a message reaches both the terminal and the log."""

    def __init__(self, *streams):
        self._streams = streams

    def write(self, text: str) -> int:
        for stream in self._streams:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        for stream in self._streams:
            stream.flush()


@contextmanager
def job(log: str) -> Iterator[None]:
    """Run one job: what it prints goes to its log, progress and errors also to the terminal.

    An InputError, a full disk and a lack of memory end the process with a message alone; anything else is our mistake
    and leaves its traceback in the log. Ctrl-C ends it without a word.
    """
    end_with_run()
    # At once, since threads that download would be waited for; what is half written is never taken for whole.
    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    terminal = sys.stderr
    try:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        with Path(log).open("w", encoding="utf-8") as stream:
            sys.stdout = stream
            warnings.showwarning = _logged(stream)
            sys.stderr = _Tee(terminal, stream)
            try:
                yield
            finally:
                sys.stdout, sys.stderr = sys.__stdout__, terminal
    except Exception as error:
        message, is_ours = _words(error, log)
        terminal.write(f"songwise: {message}\n")
        # There may be no space for it.
        with suppress(OSError), Path(log).open("a", encoding="utf-8") as stream:
            stream.write(f"{traceback.format_exc() if is_ours else ''}songwise: {message}\n")
        sys.exit(1)


def _words(error: Exception, log: str) -> tuple[str, bool]:
    """The message for an error that ends a job, and whether it is a mistake of songwise's own."""
    # Before all others: where a log cannot be written, that hides what went before.
    if is_disk_full(error):
        return disk_full(Path()), False
    if isinstance(error, InputError):
        return str(error), False
    if isinstance(error, MemoryError):
        return f"memory ran out; try again with fewer --cores, or let other programs end ({log})", False
    return f"{type(error).__name__}: {error} (an error of songwise's own; see {log})", True


def _logged(stream):
    def show(message, category, filename, lineno, file=None, line=None):
        stream.write(warnings.formatwarning(message, category, filename, lineno, line))

    return show
