"""Files of the future: what a clock that was fast leaves behind.

Snakemake compares times of files. A job fails if one of its inputs is newer than what it just wrote. A script of the
future makes its jobs run again each time.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def end_future(paths: Iterable[Path], now: float, skip: Path | None = None) -> None:
    """Move the times of files from the future to the past.

    Their order stays as it is, and they stay newer than the files from which they were made, unless these are of the
    future of another clock. Files whose times the user may not change are left as they are.

    Parameters
    ----------
    paths : iterable of Path
        Files, and folders with everything in them; missing ones are ignored.
    now : float
        Seconds since 1970.
    skip : Path or None
        A folder that is not searched.
    """
    latest, future = round(now * 10**9), []
    for path in _files(paths, skip):
        with suppress(FileNotFoundError):
            status = os.lstat(path)
            if status.st_mtime_ns > latest:
                future.append((path, status))
    ahead = max((status.st_mtime_ns - latest for _, status in future), default=0)
    for path, status in future:
        with suppress(OSError):
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - ahead), follow_symlinks=False)


def is_future(paths: Iterable[str | Path], now: float) -> bool:
    """Return whether a file is newer than now, which happens if the clock is set back during a run.

    Parameters
    ----------
    paths : iterable of str or Path
        Files; missing ones are ignored.
    now : float
        Seconds since 1970.
    """
    for path in paths:
        with suppress(OSError):
            if Path(path).stat().st_mtime > now:
                return True
    return False


def _files(paths: Iterable[Path], skip: Path | None) -> Iterable[str]:
    # Plain strings: a large project has thousands of files, and this happens at the start of each run.
    for path in paths:
        if not path.is_dir():
            yield str(path)
        for where, folders, names in os.walk(path):
            if skip and skip.parent == Path(where):
                folders[:] = [name for name in folders if name != skip.name]
            yield from (f"{where}/{name}" for name in (*folders, *names))
