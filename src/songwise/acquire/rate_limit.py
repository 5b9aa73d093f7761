"""How often a site is asked: one video at a time, with pauses, by all jobs of a data set together, and not at all while
the site wants to be left alone."""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from songwise.files import read_json, write_json
from songwise.runtime.lock import exclusive


class StoppedError(Exception):
    """The site is not to be asked before `until`, seconds since 1970; the text says why."""

    def __init__(self, why: str, until: float):
        super().__init__(why)
        self.until = until


class Pace:
    """The turns of one data set's downloads, among threads and processes alike.

    Parameters
    ----------
    folder : where the lock and what a site said are kept, such as data/raw/NAME.
    pause : seconds between two requests are drawn between these.
    asker : as whom requests are made (the cookies file); what was said to one does not hold for another.
    now : seconds since 1970.
    """

    def __init__(self, folder: Path, *, pause: tuple[float, float], asker: str, now: Callable[[], float]):
        self._lock, self._stop = folder / ".requests.lock", folder / ".requests.stopped.json"
        self._pause, self._asker, self._now = pause, asker, now

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until nobody else is at it, and keep the others waiting meanwhile.

        Raises
        ------
        StoppedError : the site is not to be asked now.
        """
        is_first = not self._lock.exists()
        with exclusive(self._lock):
            if is_first:
                os.utime(self._lock, (0, 0))
            self._check()
            yield

    def wait(self) -> None:
        """Let the pause since the last request pass; to be called within a turn, before each request."""
        pause = random.uniform(*self._pause)
        # A clock that was set back must not make anyone wait for longer than the pause.
        time.sleep(min(pause, max(0.0, self._lock.stat().st_mtime + pause - self._now())))

    def note(self) -> None:
        """Remember that a request has just ended; to be called within a turn."""
        os.utime(self._lock, (self._now(), self._now()))

    def stop(self, why: str, until: float) -> None:
        """No turns for anyone before `until`, in this run and in the next."""
        write_json(self._stop, {"why": why, "until": until, "asker": self._asker})

    def _check(self) -> None:
        if not self._stop.is_file():
            return
        stop = read_json(self._stop)
        if stop["asker"] == self._asker and self._now() < stop["until"]:
            raise StoppedError(stop["why"], stop["until"])
