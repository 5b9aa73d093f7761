"""A copy of the project in which a test runs the workflow as a user would."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def copy_project(folder: Path) -> Path:
    """Copy the project's files, except the tests, into a new folder, as a clone would have them."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def copy_finished(folder: Path, to: Path) -> Path:
    """Copy a project that has run. Snakemake has nothing to do in the copy, because the files keep their times."""
    return shutil.copytree(folder, to, symlinks=True)


def ordinary_environment() -> dict[str, str]:
    """Return the environment of a user, in which songwise chooses the folder of numba's cache."""
    return {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}


def snakemake(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess:
    """Run the workflow as a user would. `.stdout` of the result has both stdout and stderr."""
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
    """Return the number of jobs per rule from Snakemake's output, except for the rule `all`."""
    return {
        name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", output, re.M) if name not in ("total", "all")
    }
