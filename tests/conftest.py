"""Shared by all tests: real audio made on the spot, and one folder in which the workflow can run."""

import csv
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

# librosa's generalised ufuncs (zero crossings, local maxima), with which features are compared, crash at random when
# numba 0.68 loads them from its cache: a process that calls them compiles them itself. songwise's own code calls none.
os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="songwise-tests-")

# In the background of a script it is ignored, and then by all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import numpy as np
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


def tone(seconds: float, hertz: float, rate: int = RATE) -> np.ndarray:
    """A quiet sine with two overtones and some noise, float in [-1, 1], shape (n,)."""
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(round(hertz)).normal(size=len(t))
    return 0.2 * np.sin(2 * np.pi * hertz * t) + 0.1 * np.sin(4 * np.pi * hertz * t) + 0.01 * noise


def songs(n_songs: int = 30, clips: int = 4, columns: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clips of songs of three classes: X with a part of the song's own and a part of the class; y; groups."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(n_songs) % 3, clips)
    groups = np.repeat([f"song-{i:02d}" for i in range(n_songs)], clips)
    own = np.repeat(rng.normal(size=(n_songs, columns)), clips, axis=0)
    return y[:, None] * 0.7 + own + 0.1 * rng.normal(size=(len(y), columns)), y, groups


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """16-bit WAV of float samples, shape (n,) or (n, channels)."""
    import wave

    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        stream.setsampwidth(2)
        stream.setframerate(rate)
        stream.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def encode(source: Path, target: Path, *options: str) -> Path:
    """`source` in the format of `target`'s suffix, by the bundled ffmpeg."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", source, *options, target]
    subprocess.run(command, check=True)
    return target


def copy_project(folder: Path) -> Path:
    """The project's tracked files in a new folder, as a clone would have them."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def ordinary_environment() -> dict[str, str]:
    """The user's environment, with numba's cache where songwise has it."""
    return {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}


def snakemake(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess:
    """Run the workflow as a user would; stdout and stderr together in `.stdout`."""
    import sys

    command = [sys.executable, "-m", "snakemake", *words]
    return subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ordinary_environment() | environment,
        check=False,
    )


def jobs(output: str) -> dict[str, int]:
    """Snakemake's table of jobs to do."""
    return {
        name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", output, re.M) if name not in ("total", "all")
    }


def rows(path: Path) -> list[dict]:
    """The rows of a CSV."""
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))
