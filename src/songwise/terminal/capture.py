"""Standard error of this process and of its jobs, taken line by line while a live block is on the terminal."""

import os
import sys
import threading
from collections.abc import Callable
from typing import TextIO

_WAIT = 1.0  # seconds for the last lines; a job that outlives the run would keep the pipe open


class Capture:
    """Redirect file descriptor 2 into a pipe, so that nothing writes across the block.

    Parameters
    ----------
    take : callable
        Is given each line without its end, in a thread of its own.
    """

    def __init__(self, take: Callable[[str], None]):
        sys.stderr.flush()
        self._terminal = os.dup(2)
        source, target = os.pipe()
        os.dup2(target, 2)
        os.close(target)
        self._source = os.fdopen(source, encoding="utf-8", errors="replace", newline="\n")
        self._thread = threading.Thread(target=self._read, args=(take,), daemon=True)
        self._thread.start()

    def open_terminal(self) -> TextIO:
        """Return a stream to the terminal itself."""
        return os.fdopen(os.dup(self._terminal), "w", encoding="utf-8", errors="replace")

    def close(self) -> None:
        """Take the last lines, and give the terminal back to standard error."""
        sys.stderr.flush()
        os.dup2(self._terminal, 2)  # closes the pipe's end here, so that the reader comes to its end
        self._thread.join(_WAIT)
        os.close(self._terminal)

    def _read(self, take: Callable[[str], None]) -> None:
        for line in self._source:
            take(line.rstrip("\r\n"))
