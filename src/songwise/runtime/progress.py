"""Progress of long work: a line every few seconds, with an estimate of the time left."""

import re
import sys
import time

from songwise.text import format_duration

_EVERY_SECONDS = 5.0
_LINE = re.compile(r"^(?P<work>.+): (\d+ of \d+ \S+, about [^,]+ left|\d+ MiB)(, .*)?$")


def progress_work(line: str) -> str:
    """Return what a line of `Progress` is about; empty for any other line.

    Parameters
    ----------
    line : str
        A line that a job wrote to stderr.
    """
    found = _LINE.match(line)
    return "" if line.startswith("songwise: ") or found is None else found["work"]


class Progress:
    """Lines about how far some work is, to stderr: in a job, to the terminal and the log.

    Parameters
    ----------
    work : str
        What is done, such as "features demo 3".
    total : int
        Number of steps.
    unit : str
        What a step is, in the plural.
    """

    def __init__(self, work: str, total: int, unit: str):
        self._work, self._total, self._unit = work, total, unit
        self._done = 0
        self._start = self._last = time.monotonic()

    def step(self, note: str = "") -> None:
        """Count one more step.

        Parameters
        ----------
        note : str, default=""
            Text for the end of the line.
        """
        self._done += 1
        self._show(0, self._done, self._total, note)

    def _show(self, before: float, done: float, total: float | None, note: str = "") -> None:
        now = time.monotonic()
        if now - self._last < _EVERY_SECONDS:
            return
        self._last = now
        line = f"{self._work}: {done:.0f} {self._unit}"
        if total is not None and done > before:
            rest = (now - self._start) / (done - before) * (total - done)
            line = f"{self._work}: {done:.0f} of {total:.0f} {self._unit}, about {format_duration(rest)} left"
        sys.stderr.write(f"{line}{', ' + note if note else ''}\n")
        sys.stderr.flush()


class ByteProgress(Progress):
    """The same in MiB, for work that an earlier run may have begun and whose total may be unknown.

    Parameters
    ----------
    work : str
        What is done, such as "download genres.tar.gz".
    """

    def __init__(self, work: str):
        super().__init__(work, 0, "MiB")
        self._before: float | None = None

    def reach(self, done: int, total: int | None) -> None:
        """Report how many bytes are done.

        Parameters
        ----------
        done : int
            Bytes. Those of the first call do not count for the speed: an earlier run may have brought them.
        total : int or None
            Bytes in all, or None if unknown.
        """
        mebibytes = done / 2**20
        if self._before is None:
            self._before = mebibytes
        self._show(self._before, mebibytes, None if total is None else total / 2**20)
