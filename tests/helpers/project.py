"""A copy of the project in which a test runs the workflow as a user would."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


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


def copy_finished(folder: Path, to: Path) -> Path:
    """A copy of a project that has run. Snakemake has nothing to do in it, because the files keep their times."""
    return shutil.copytree(folder, to, symlinks=True)


def ordinary_environment() -> dict[str, str]:
    """The user's environment, with numba's cache where songwise has it."""
    return {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}


def snakemake(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess:
    """Run the workflow as a user would; stdout and stderr together in `.stdout`."""
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
