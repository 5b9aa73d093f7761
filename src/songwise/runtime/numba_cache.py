"""Numba's cache of compiled functions: kept between runs, and written by one process at a time.

Numba compiles functions when they are first needed, which takes about a minute in all. Two processes that fill one
cache together can leave it inconsistent, and later calls then crash (seen as SIGSEGV in librosa.piptrack with
numba 0.68). So songwise has its own cache and fills it under a lock.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from llvmlite.binding import get_host_cpu_name

from songwise.files import digest
from songwise.paths import cache_folder
from songwise.runtime.lock import exclusive

_COMPILED = ("audio/loudness.py", "features/dsp/*.py")  # modules of songwise with functions that numba compiles


def _cache_folder() -> Path:
    folder = cache_folder() / "numba"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"songwise-numba-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


# Numba reads this when it is imported, so this module must be imported before numba.
_FOLDER = Path(os.environ.setdefault("NUMBA_CACHE_DIR", str(_cache_folder())))


def fill_cache(step: str, run: Callable[[], object]) -> None:
    """Run a step that compiles functions, unless this environment's cache has its results already.

    Parameters
    ----------
    step : str
        Name of the step.
    run : callable
        Called without arguments, by one process at a time.
    """
    sources = [find_spec(name).origin for name in ("numba", "numpy")]
    sources += [path for pattern in _COMPILED for path in sorted(Path(__file__).parents[1].glob(pattern))]
    stamps = [(str(path), Path(path).stat().st_mtime_ns) for path in sources]
    done = _FOLDER / f"{digest([step, sys.version, get_host_cpu_name(), stamps])}.done"
    if done.exists():
        return
    with exclusive(_FOLDER / "lock"):
        if not done.exists():  # another process may have done it meanwhile
            run()
            done.touch()
