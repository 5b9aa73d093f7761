"""The pace of requests to a site: one video at a time with pauses, and no requests while the site refuses them.

All jobs of a data set share one pace, through files in its folder.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from songwise.files import read_json, write_json
from songwise.runtime.lock import exclusive


class StoppedError(Exception):
    """No request may be sent to the site now. The message has the reason.

    Parameters
    ----------
    why : str
        The site's answer.
    until : float
        When requests may start again, in seconds since 1970.

    Attributes
    ----------
    until : float
        As the parameter.
    """

    def __init__(self, why: str, until: float):
        super().__init__(why)
        self.until = until


class Pace:
    """The turns of one data set's downloads, among threads and processes alike.

    Parameters
    ----------
    folder : Path
        Folder of the lock and of the record of a stop, such as data/raw/NAME.
    pause : tuple of float
        Shortest and longest pause between two requests, in seconds.
    asker : str
        Identity of the requests (the cookies file). A stop for one does not apply to another.
    now : callable
        Returns the time in seconds since 1970.
    """

    def __init__(self, folder: Path, *, pause: tuple[float, float], asker: str, now: Callable[[], float]):
        self._lock, self._stop = folder / ".requests.lock", folder / ".requests.stopped.json"
        self._pause, self._asker, self._now = pause, asker, now

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other job makes requests, and keep the others waiting meanwhile.

        Yields
        ------
        None
            While the turn lasts.

        Raises
        ------
        StoppedError
            If no request may be sent to the site now.
        """
        is_first = not self._lock.exists()
        with exclusive(self._lock):
            if is_first:
                os.utime(self._lock, (0, 0))
            self._check()
            yield

    def wait(self) -> None:
        """Wait for the rest of the pause since the last request; to be called within a turn, before each request."""
        pause = random.uniform(*self._pause)
        # A clock that was set back must not extend the pause.
        time.sleep(min(pause, max(0.0, self._lock.stat().st_mtime + pause - self._now())))

    def note(self) -> None:
        """Record that a request has just ended; to be called within a turn."""
        os.utime(self._lock, (self._now(), self._now()))

    def stop(self, why: str, until: float) -> None:
        """Refuse all turns before a time, in this run and in the next.

        Parameters
        ----------
        why : str
            The site's answer.
        until : float
            When requests may start again, in seconds since 1970.
        """
        write_json(self._stop, {"why": why, "until": until, "asker": self._asker})

    def _check(self) -> None:
        if not self._stop.is_file():
            return
        stop = read_json(self._stop)
        if stop["asker"] == self._asker and self._now() < stop["until"]:
            raise StoppedError(stop["why"], stop["until"])
