"""Python programs that tests start, and the jobs of a run."""

import subprocess
import sys
import textwrap
from pathlib import Path

from helpers.project import ROOT

_NAME = 15  # characters that Linux keeps of the name of a process


def start(code: str, folder, **options) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=folder, **options)


def jobs_of(folder: Path, rule: str = "*") -> list[int]:
    """The processes that run a script of the workflow in a folder: forks that have the name of their rule."""
    names = {path.stem[:_NAME] for path in (ROOT / "workflow/scripts").glob(f"{rule}.py")}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() in names and (process / "cwd").readlink() == folder:
                found.append(int(process.name))
        except OSError:
            continue
    return found
