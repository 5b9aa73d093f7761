"""The record of a folder's live run, which shows on every host that shares the folder whether the run is alive.

Locks of the operating system are immediate, but on network file systems they often do not reach other hosts. A beat
does: the live run counts in a file. Only changes matter, so the clocks of hosts may differ. The file is opened for each
access and written in place, because network file systems then show other hosts what was written last.
"""

import atexit
import os
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from songwise.owner import Owner, this_host

CHECK_EVERY = 0.5  # seconds between a job's checks that its run is alive
BEAT_EVERY = 2.0  # seconds
PATIENCE = 30.0  # seconds without a beat after which a run counts as dead on other hosts
_RECORD = Path(".snakemake/songwise.run")


class LiveRun(NamedTuple):
    """The run that has claimed a folder.

    Attributes
    ----------
    owner : Owner
        Its main process.
    locks : bool
        Whether locks of the operating system work between processes of its host.
    """

    owner: Owner
    locks: bool

    @classmethod
    def parse(cls, text: str) -> "LiveRun | None":
        """Return the run that `str` of it, or a record, names; None if it names none."""
        words = text.split()
        if len(words) < 4 or not words[1].isdigit():
            return None
        return cls(Owner(words[0], int(words[1]), words[2]), locks=words[3] == "locks")

    def __str__(self) -> str:
        host, process, run = self.owner
        return f"{host} {process} {run} {'locks' if self.locks else 'beats'}"

    @property
    def is_on_this_host(self) -> bool:
        """Whether its main process is on this host."""
        return self.owner.host == this_host()

    @property
    def name(self) -> str:
        """What it is called in messages, such as "process 4711 on login1"."""
        return f"process {self.owner.process}" + ("" if self.is_on_this_host else f" on {self.owner.host}")


class Heartbeat:
    """Counts in the record while the run of this process is alive.

    Parameters
    ----------
    folder : Path
        The project's folder.
    run : LiveRun
        The run of this process.
    """

    def __init__(self, folder: Path, run: LiveRun):
        self._path, self._run = folder.resolve() / _RECORD, run
        self._writing = threading.Lock()
        self._ended = threading.Event()
        self._path.write_text(_line(run, 0), encoding="utf-8")
        atexit.register(self.stop)
        threading.Thread(target=self._beat, daemon=True).start()

    def stop(self) -> None:
        """End the run: jobs and other hosts see it at once."""
        atexit.unregister(self.stop)
        with self._writing:
            self._ended.set()
            if LiveRun.parse(_read(self._path) or "") == self._run:
                self._path.write_text("", encoding="utf-8")

    def _beat(self) -> None:
        count = 0
        while not self._ended.wait(BEAT_EVERY):
            count += 1
            with self._writing:
                self._write(count)

    def _write(self, count: int) -> None:
        if self._ended.is_set():
            return
        try:
            with self._path.open("r+", encoding="utf-8") as stream:
                other = LiveRun.parse(stream.read())
                if other in (None, self._run):
                    stream.seek(0)
                    stream.write(_line(self._run, count))
                    return
        except OSError:
            return  # a full disk, or a file server that does not answer just now
        print(
            f"songwise: {other.name} has taken over this folder, because this run was silent for {PATIENCE:.0f} s "
            "(was it suspended?). This run stops",
            file=sys.stderr,
            flush=True,
        )
        os._exit(1)


class Pulse:
    """Whether a run is alive, seen from any host.

    Parameters
    ----------
    folder : Path
        The project's folder.
    run : LiveRun
        The run.
    """

    def __init__(self, folder: Path, run: LiveRun):
        self._path, self._run = folder / _RECORD, run
        self._last = _read(self._path)
        self._silent = 0

    @property
    def beats(self) -> bool:
        """Whether there was a beat at the last check."""
        return self._silent == 0

    def check(self) -> bool:
        """Return whether the run may be alive. To be called every CHECK_EVERY seconds.

        Checks are counted, not seconds: if the file server hangs, the run cannot write a beat either.
        """
        text = _read(self._path)
        if text is not None and LiveRun.parse(text) != self._run:
            return False
        self._silent = self._silent + 1 if text in (None, self._last) else 0
        self._last = text
        return self._silent * CHECK_EVERY < PATIENCE


def recorded_run(folder: Path) -> LiveRun | None:
    """Return the run that claimed a folder and has not ended as it should; None if there is none."""
    return LiveRun.parse(_read(folder / _RECORD) or "")


def is_beating(folder: Path, run: LiveRun) -> bool:
    """Return whether a run beats, as soon as that is certain: within PATIENCE seconds."""
    pulse = Pulse(folder, run)
    while pulse.check():
        if pulse.beats:
            return True
        time.sleep(CHECK_EVERY)
    return False


def _line(run: LiveRun, count: int) -> str:
    return f"{run} {count:012d}\n"  # of one length, so that no reader sees the rest of a longer one


def _read(path: Path) -> str | None:
    """Return the record; "" if there is none, None if it cannot be read just now."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError:
        return None
