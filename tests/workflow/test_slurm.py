"""The workflow on a real Slurm: two nodes on this machine, each with a host name of its own (`make cluster`)."""

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.project import copy_project, ordinary_environment, snakemake
from helpers.slurm import slurm, why_not
from helpers.sound import RATE, write_wav

if not find_spec("snakemake_executor_plugin_slurm"):
    REASON = "needs snakemake-executor-plugin-slurm (make slurm)"
else:
    REASON = why_not()
pytestmark = [pytest.mark.workflow, pytest.mark.skipif(bool(REASON), reason=REASON)]

CLASSES = {"low": 200, "high": 900}
SONGS = 4
BOARD = Path("results/tones/leaderboard.csv")
SETTINGS = ["--config", "dataset=tones.yaml", "models=[majority]", "min_songs=2"]
ON_SLURM = ["--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "20"]


@pytest.fixture
def project(tmp_path) -> Path:
    """A project with a small data set that has not run."""
    folder = copy_project(tmp_path / "project")
    for label, hertz in CLASSES.items():
        for number in range(SONGS):
            rng = np.random.default_rng([hertz, number])
            t = np.arange(9 * RATE) / RATE
            (folder / "tones" / label).mkdir(parents=True, exist_ok=True)
            wave = 0.2 * np.sin(2 * np.pi * hertz * rng.uniform(0.8, 1.25) * t) + 0.01 * rng.normal(size=len(t))
            write_wav(folder / "tones" / label / f"{number}.wav", wave)
    content = {
        "name": "tones",
        "source": {"type": "folder", "folder": "tones"},
        "shards": 2,
        "clip": {"seconds": 3},
        "split": {"folds": 2, "repeats": 1},
    }
    (folder / "tones.yaml").write_text(yaml.safe_dump(content))
    return folder


def board_of(folder: Path) -> str:
    """The leaderboard's text without its one column of measured time."""
    return pd.read_csv(folder / BOARD, dtype=str).drop(columns="fit_seconds").to_csv()


def first_job(environment: dict[str, str]) -> tuple[str, str]:
    """Wait until a job runs, and return its number and its node."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        running = command("squeue", "--noheader", "--states=R", "--format=%i %N", environment=environment).split()
        if running:
            return running[0], running[1]
        time.sleep(0.1)
    raise AssertionError("no job has started")


def command(*words: str, environment: dict[str, str]) -> str:
    """Call one of Slurm's commands and return what it prints."""
    return subprocess.run(words, env=os.environ | environment, capture_output=True, text=True, check=True).stdout


def start(project: Path, *words: str, environment: dict[str, str]) -> subprocess.Popen:
    """Start Snakemake on Slurm, without retries."""
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", *ON_SLURM, "--retries", "0", *words, *SETTINGS],
        cwd=project,
        env=ordinary_environment() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_run_on_slurm_names_a_cancelled_job_and_ends_with_the_local_figures(project, tmp_path):
    (tmp_path / "s").mkdir()
    with slurm(tmp_path / "s") as environment:
        first = start(project, str(BOARD), environment=environment)
        job, node = first_job(environment)
        assert command("squeue", "--noheader", "--format=%C", "--jobs", job, environment=environment).strip() == "1"
        command("scancel", job, environment=environment)
        output = first.communicate()[0]
        assert first.returncode != 0 and "Traceback" not in output
        assert "it was cancelled (scancel). The same command continues from here" in output
        assert "exited without an error message" not in output

        done = snakemake(project, *ON_SLURM, str(BOARD), *SETTINGS, **environment)
        assert done.returncode == 0, done.stdout[-3000:]
    assert node.startswith("node")
    assert not [*project.rglob("*.unfinished*")]
    on_slurm = board_of(project)

    for made in ("data/clips", "data/features", "results", ".snakemake"):
        subprocess.run(["rm", "-rf", str(project / made)], check=True)
    done = snakemake(project, "--cores", "2", str(BOARD), *SETTINGS)
    assert done.returncode == 0, done.stdout[-3000:]
    assert board_of(project) == on_slurm


def test_a_preempted_job_that_slurm_cancels_ends_in_words(project, tmp_path):
    (tmp_path / "s").mkdir()
    with slurm(tmp_path / "s", nodes=1) as environment:
        words = [str(BOARD), "--default-resources", "mem_mb=1000", "runtime=30", "slurm_partition=cheap"]
        run = start(project, *words, environment=environment)
        first_job(environment)
        command(
            *("sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap", "sleep 1"),
            environment=environment,
        )
        output = run.communicate(timeout=200)[0]
    assert run.returncode != 0 and "Traceback" not in output
    assert "Slurm ended it in favour of a job with a higher priority" in output


def test_a_partition_that_is_called_like_a_function_of_python_is_refused_in_words(project):
    done = snakemake(project, "-n", *ON_SLURM, "--default-resources", "slurm_partition=all", *SETTINGS)
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert "slurm_partition=all: Snakemake takes all for Python's function of that name" in done.stdout
