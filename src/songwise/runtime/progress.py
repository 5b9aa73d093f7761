"""Progress of long work: a line every few seconds, with an estimate of the time left."""

import sys
import time

_EVERY_SECONDS = 5.0


class Progress:
    """A line every few seconds with what is done and an estimate of the rest, to the terminal and the log.

    Parameters
    ----------
    what : the work, such as "features 3".
    total : number of steps.
    unit : what a step is, in the plural.
    """

    def __init__(self, what: str, total: int, unit: str):
        self._what, self._total, self._unit = what, total, unit
        self._done = 0
        self._start = self._last = time.monotonic()

    def step(self, note: str = "") -> None:
        """Count one more step; `note` is appended to the line."""
        self._done += 1
        self._tell(0, self._done, self._total, note)

    def _tell(self, before: float, done: float, total: float | None, note: str = "") -> None:
        now = time.monotonic()
        if now - self._last < _EVERY_SECONDS:
            return
        self._last = now
        line = f"{self._what}: {done:.0f} {self._unit}"
        if total is not None and done > before:
            rest = (now - self._start) / (done - before) * (total - done)
            line = f"{self._what}: {done:.0f} of {total:.0f} {self._unit}, about {_duration(rest)} left"
        sys.stderr.write(f"{line}{', ' + note if note else ''}\n")
        sys.stderr.flush()


class ByteProgress(Progress):
    """The same in MiB, of work that may have begun in an earlier run and whose whole may not be known.

    Parameters
    ----------
    what : the work, such as "download genres.tar.gz".
    """

    def __init__(self, what: str):
        super().__init__(what, 0, "MiB")
        self._before: float | None = None

    def reach(self, done: int, total: int | None) -> None:
        """So many bytes are done, of so many; what was done at the first call says nothing of the speed."""
        mebibytes = done / 2**20
        if self._before is None:
            self._before = mebibytes
        self._tell(self._before, mebibytes, None if total is None else total / 2**20)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
