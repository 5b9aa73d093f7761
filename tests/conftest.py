"""Shared by all tests: real audio made on the spot, and one folder in which the workflow can run."""

import os
import shutil
import signal
import tempfile
from collections import Counter
from pathlib import Path

# librosa's generalised ufuncs (zero crossings, local maxima), with which features are compared, crash at random when
# numba 0.68 loads them from its cache: a process that calls them compiles them itself. songwise's own code calls none.
os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="songwise-tests-")

# In the background of a script it is ignored, and then by all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest

ROOT = Path(__file__).parents[1]
RATE = 22_050


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Where files are dealt to several processes, those that run Snakemake most come first: none is left to the end."""
    if config.getoption("dist", "no") != "no":
        runs = Counter(item.path for item in items if item.get_closest_marker("workflow"))
        items.sort(key=lambda item: -runs[item.path])


@pytest.fixture(scope="session", autouse=True)
def _numba_cache_removed():
    yield
    shutil.rmtree(os.environ["NUMBA_CACHE_DIR"], ignore_errors=True)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT
