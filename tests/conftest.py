"""Settings and fixtures of all tests."""

import os
import shutil
import signal
import tempfile
from collections import Counter
from pathlib import Path

# The features are compared with librosa's generalised ufuncs (zero crossings, local maxima). These crash at random when
# numba 0.68 loads them from its cache, so each test process compiles them itself. The code of songwise calls none.
os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="songwise-tests-")

# In the background of a script, SIGINT is ignored, and all processes that the tests start would ignore it too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest

ROOT = Path(__file__).parents[1]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Start the files that run Snakemake most often first, so that no process runs one alone at the end."""
    if hasattr(config, "workerinput"):  # in a process of pytest-xdist, where the option `dist` is always "no"
        runs = Counter(item.path for item in items if item.get_closest_marker("workflow"))
        items.sort(key=lambda item: -runs[item.path])


@pytest.fixture(scope="session", autouse=True)
def _numba_cache_removed():
    yield
    shutil.rmtree(os.environ["NUMBA_CACHE_DIR"], ignore_errors=True)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the project's folder."""
    return ROOT


@pytest.fixture(autouse=True)
def _no_run_remains():
    """Forget the run that a test claimed: the jobs of later tests would take it for theirs, and end without it."""
    yield
    os.environ.pop("SONGWISE_RUN", None)
