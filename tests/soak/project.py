"""A small project of a user's own, which edits and accidents change, and how the workflow runs in it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import yaml
from helpers.process import jobs_of
from helpers.project import copy_project, ordinary_environment
from helpers.sound import RATE, write_wav

from soak import forks

MUSIC, TABLE = "mine", "numbers"  # a data set of audio files, and one of existing features
MODELS = ("majority", "knn", "naive_bayes", "logistic_regression")
PRESETS = ("small", "other")
PITCHES = {"low": 200, "mid": 500, "high": 1100}  # Hz, of each class
SONGS = 4  # per class, at first
FEWEST = 3  # songs of a class, below which no edit goes unless it means to
SECONDS = 5.0
FEATURES = ("brightness", "loudness", "tempo", "noise")
# What most steps of a soak ask for, and what some of them and every comparison with a fresh run do.
CORE = ("leaderboard.csv", "leakage.csv", "models_checked.json")
_PRESET = {"audio": {"sample_rate": RATE}, "frame": {"n_fft": 2048, "hop_length": 512}}
_START = 0.1  # of all accidents happen before the first job
_LONGEST = 900  # seconds of one run


@dataclass
class Done:
    """A run that is over.

    Attributes
    ----------
    code : int
        Exit status; negative if a signal ended it.
    output : str
        What it printed.
    seconds : float
        Wall time.
    """

    code: int
    output: str
    seconds: float = 0.0


@dataclass
class Project:
    """A project folder, and the command that a user repeats in it.

    Attributes
    ----------
    folder : Path
        The folder. It can move.
    work : Path
        What is outside the folder: the user's cache, and outputs of runs.
    disk : Path or None
        The small disk that contains the folder, if there is one.
    forked : bool
        Whether runs that nothing disturbs are forked from this process.
    """

    folder: Path
    work: Path
    disk: Path | None = None
    forked: bool = True

    # What the user wrote.

    @property
    def config(self) -> dict:
        """Content of config/config.yaml."""
        return read_yaml(self.folder / "config/config.yaml")

    def change_config(self, **changes: object) -> None:
        """Change keys of config/config.yaml."""
        write_yaml(self.folder / "config/config.yaml", self.config | changes)

    @property
    def dataset(self) -> str:
        """Name of the data set that the configuration names."""
        return Path(self.config["dataset"]).stem

    @property
    def results(self) -> Path:
        """Its results."""
        return self.folder / "results" / self.dataset

    @property
    def music(self) -> Path:
        """The folder of audio files."""
        return self.folder / "my/music"

    def songs(self, label: str | None = None) -> list[Path]:
        """The audio files, of one class or of all."""
        return sorted(self.music.glob(f"{label or '*'}/*.wav"))

    def listed_runs(self) -> set[str]:
        """The rows of the leaderboard that the configuration asks for."""
        models = self.config["models"]
        if self.dataset == TABLE:
            return {f"{model}@table" for model in models}
        presets = {model: read_yaml(self.folder / f"config/models/{model}.yaml")["features"] for model in models}
        return {f"{model}@{preset}" for model in models for preset in presets[model]}

    # The workflow.

    def command(self, *, full: bool) -> list[str]:
        """Snakemake's command line."""
        targets = [] if full else [f"results/{self.dataset}/{name}" for name in CORE]
        return [sys.executable, "-m", "snakemake", "--cores", "2", *targets]

    def environment(self) -> dict[str, str]:
        """That of a user with a cache of their own."""
        names = ("PYTHONDONTWRITEBYTECODE", "SONGWISE_RUN", "MLFLOW_TRACKING_URI")
        own = {name: value for name, value in ordinary_environment().items() if name not in names}
        return own | {"XDG_CACHE_HOME": str(self.work / "cache")}

    def start(self, *, full: bool = False, forked: bool = False) -> "Running":
        """Start a run in a session of its own."""
        return Running(self, self.command(full=full), forked=forked)

    def start_with_clock(self, hours: int, *, full: bool = False) -> "Running":
        """Start a run whose clock is some hours fast, or slow if negative."""
        folders = [str(Path(__file__).parent / "clock"), os.environ.get("PYTHONPATH")]
        path = os.pathsep.join(filter(None, folders))
        clock = ["env", "NO_FAKE_STAT=1", f"PYTHONPATH={path}", "faketime", "--exclude-monotonic", "-f", f"{hours:+}h"]
        return Running(self, [*clock, *self.command(full=full)])

    def run(self, *, full: bool = False) -> Done:
        """Run the workflow to its end."""
        return Running(self, self.command(full=full), forked=self.forked).end()

    def processes(self) -> list[int]:
        """The living processes, and the zombies, that work in the folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if (entry / "cwd").readlink().is_relative_to(self.folder):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found


class Running:
    """A run that can be disturbed."""

    def __init__(self, project: Project, command: list[str], *, forked: bool = False):
        self._project, self._forked, self._begin = project, forked, time.monotonic()
        self._path = project.work / "output.txt"
        self._path.write_text("")  # a fork takes a moment to do so, and what the run before printed would count
        if forked:
            self._process = forks.Fork(command[3:], project.folder, project.environment(), self._path)
            return
        with self._path.open("w") as stream:
            self._process = subprocess.Popen(
                command,
                cwd=project.folder,
                env=project.environment(),
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for_share(self, share: float, moment: float) -> bool:
        """Wait until this share of the jobs is done and a moment more, and return whether the run still lives."""
        if share < _START:
            return self.wait_for_steps(0, moment if self._forked else 4 * moment)
        total = None
        while self._process.poll() is None and not (total := re.search(r"^total +(\d+)$", self._read(), re.M)):
            self._check_time()
            time.sleep(0.02)
        steps = int(share * int(total[1])) if total else 0
        return self.wait_for_steps(steps, 0.3 * moment if self._forked else moment)

    def wait_for_steps(self, steps: int, moment: float) -> bool:
        """Wait until so many jobs are done and a moment (s) more, and return whether the run still lives."""
        while self._process.poll() is None and len(re.findall(r"^\d+ of \d+ steps", self._read(), re.M)) < steps:
            self._check_time()
            time.sleep(0.02)
        end = time.monotonic() + moment
        while self._process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        return self._process.poll() is None

    def send(self, number: int, *, whole: bool) -> None:
        """Send a signal to the whole session, or to Snakemake's main process alone."""
        (os.killpg if whole else os.kill)(self._process.pid, number)

    def jobs(self) -> list[int]:
        """The processes that run a script of the workflow."""
        return jobs_of(self._project.folder)

    def end(self) -> Done:
        """Wait for the end of the run and of all its jobs."""
        try:
            while self._process.poll() is None:
                self._check_time()
                time.sleep(0.05)
        except KeyboardInterrupt:
            os.killpg(self._process.pid, signal.SIGKILL)  # it has a session of its own, which Ctrl-C does not reach
            self._process.wait()
            raise
        seconds = time.monotonic() - self._begin
        until = time.monotonic() + 10
        while self._project.processes() and time.monotonic() < until:
            time.sleep(0.05)
        return Done(self._process.returncode, self._read(), seconds)

    def _read(self) -> str:
        return self._path.read_text(errors="replace")

    def _check_time(self) -> None:
        if time.monotonic() - self._begin > _LONGEST:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            raise AssertionError(f"the run did not end within {_LONGEST} s: {self._read()[-1500:]}")


def make_project(folder: Path, work: Path, disk: Path | None) -> Project:
    """Write a project with twelve short songs, a table of features, two presets and three models."""
    copy_project(folder)
    for label in PITCHES:
        for number in range(SONGS):
            write_song(folder / f"my/music/{label}/{label} {number}.wav", label, Random(f"{label} {number}"))
    common = {"label": "register", "split": {"folds": 2, "repeats": 1}}
    music = {"name": MUSIC, "source": {"type": "folder", "folder": "music"}, "shards": 2, "clip": {"seconds": 2}}
    write_yaml(folder / f"my/{MUSIC}.yaml", music | common)
    write_table(folder, [row for label in PITCHES for number in range(SONGS) for row in table_rows(label, number, 0)])
    table = {"type": "table", "table": f"{TABLE}.csv", "song": r"^([^.]+)\."}
    write_yaml(folder / f"my/{TABLE}.yaml", {"name": TABLE, "source": table} | common)
    small = {"rms": {"statistics": ["mean", "std"]}, "zero_crossing_rate": {"statistics": ["mean"]}}
    mfcc = {"mfcc": {"n": 5, "statistics": ["mean"]}}
    for name, families in (("small", small), ("other", mfcc | small)):
        write_yaml(folder / f"config/features/{name}.yaml", {"name": name, **_PRESET, "families": families})
    for model in MODELS:
        content = read_yaml(folder / f"config/models/{model}.yaml")
        write_yaml(folder / f"config/models/{model}.yaml", content | {"features": ["small"]})
    project = Project(folder, work, disk)
    settings = {"dataset": f"my/{MUSIC}.yaml", "models": ["majority", "knn"], "min_songs": 2}
    project.change_config(**settings, audit=[], champion="best", show_tracks="none")
    return project


def copy_inputs(project: Project, folder: Path) -> Project:
    """Copy what the user wrote, and nothing that songwise did, to a fresh folder."""
    shutil.rmtree(folder, ignore_errors=True)
    copy_project(folder)
    for name in ("config", "my"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(project.folder / name, folder / name)
    return Project(folder, project.work, forked=project.forked)


def write_song(path: Path, label: str, rng: Random) -> None:
    """Write a short song of a class."""
    random = np.random.default_rng(rng.getrandbits(32))
    t = np.arange(round(SECONDS * RATE)) / RATE
    hertz = PITCHES[label] * random.uniform(0.7, 1.4)
    wave = sum(random.uniform(0.02, 0.1) * np.sin(2 * np.pi * k * hertz * t + k) for k in range(1, 6))
    beat = 0.6 + 0.4 * np.sin(2 * np.pi * random.uniform(1, 4) * t + random.uniform(0, 6))
    write_wav(path, wave * beat + random.uniform(0.005, 0.03) * random.normal(size=len(t)))


def table_rows(label: str, number: int, seed: int) -> list[dict]:
    """Return the rows of a song in the table of features: two clips."""
    random = np.random.default_rng([PITCHES[label], number, seed])
    centre = np.log(PITCHES[label]) + random.normal(size=len(FEATURES))
    return [
        {"filename": f"{label}{number}.{clip}.wav"}
        | {
            name: round(float(value), 5)
            for name, value in zip(FEATURES, centre + random.normal(size=4) / 3, strict=True)
        }
        | {"label": label}
        for clip in range(2)
    ]


def write_table(folder: Path, rows: list[dict]) -> None:
    """Write the table of features."""
    lines = [",".join(map(str, values)) for values in [rows[0].keys(), *(row.values() for row in rows)]]
    (folder / f"my/{TABLE}.csv").write_text("\n".join(lines) + "\n")


def read_yaml(path: Path) -> dict:
    return yaml.safe_load(path.read_text())


def write_yaml(path: Path, content: object) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False))
