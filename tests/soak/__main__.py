"""Random edits and accidents in one project, with what must be true checked after each: `make soak`.

    PYTHONPATH=tests python -m soak [--edits 200] [--seed 0] [--every 6] [--until N] [--only 3,7] [--folder FOLDER]

A project with twelve short songs and a few models lives through random edits (songs, labels, models, presets,
settings), mistakes, accidents (kill -9, Ctrl-C, a full disk, a read-only disk) and changes of files (a moved folder, a
wrong clock, deleted and damaged outputs). After each, the same command must succeed, the results must be those of what
is there and equal those of a fresh run, and the command must have nothing to do again. The command asks for the
leaderboard; after every sixth edit for everything, and MLflow must then equal the results and that of a fresh run. If
anything is wrong, the sequence and the command that repeats it are printed, and the folder is kept.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from soak import edits, forks, invariants
from soak.project import Project, make_project
from songwise.paths import cache_folder

_DISK = "size=768m"


def main(words: list[str]) -> int:
    """Return 0 if everything was true after every edit."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.splitlines()[0])
    parser.add_argument("--edits", type=int, default=200, metavar="N", help="number of edits")
    parser.add_argument("--seed", type=int, default=0, help="of the sequence")
    parser.add_argument("--every", type=int, default=6, metavar="N", help="make everything every N edits")
    parser.add_argument("--until", type=int, metavar="N", help="end after edit N, to repeat the begin of a sequence")
    parser.add_argument("--only", metavar="N,N", help="make these edits of the sequence only")
    parser.add_argument("--minutes", type=float, help="end after this time, after a complete edit")
    parser.add_argument("--processes", action="store_true", help="fork no run, which takes longer")
    parser.add_argument("--folder", type=Path, help="a new folder for the project; default: a temporary one")
    options = parser.parse_args(words)
    work = options.folder or Path(tempfile.mkdtemp(prefix="songwise-soak-"))
    work.mkdir(parents=True, exist_ok=True)
    numbers = range(1, (options.until or options.edits) + 1)
    if options.only:
        numbers = [int(number) for number in options.only.split(",")]
    if not shutil.which("faketime"):
        print("no faketime: runs whose clock is wrong are left out")
    with small_disk(work / "disk") as disk:
        project = make_project((disk or work) / "project", work, disk)
        project.forked = not options.processes
        if cache_folder().is_dir():
            shutil.copytree(cache_folder(), work / "cache/songwise")
        if project.forked:
            forks.prepare(project.environment())
        soak = Soak(project, options)
        if not soak.go(numbers):
            if disk:
                shutil.copytree(soak.project.folder, work / "failed", symlinks=True)
            return 1
    shutil.rmtree(work)
    return 0


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Mount a disk in memory that can be filled; None where that is not permitted."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", _DISK, "tmpfs", folder], capture_output=True).returncode:
        print("no disk of its own: a full and a read-only disk are left out")
        yield None
        return
    try:
        yield folder.resolve()
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


class Soak:
    """A project, and what happened to it."""

    def __init__(self, project: Project, options: argparse.Namespace):
        self.project = project
        self._options = options
        self._lines: list[str] = []
        self._counts: Counter[str] = Counter()
        self._full = 0
        self._begin = time.monotonic()

    def go(self, numbers: Sequence[int]) -> bool:
        """Make the edits of these numbers, and return whether everything was true after each."""
        numbers = [0, *numbers]  # the first run
        try:
            for number in numbers:
                self._step(number, full=number % self._options.every == 0 or number == numbers[-1])
                if self._options.minutes and time.monotonic() - self._begin > 60 * self._options.minutes:
                    break
        except KeyboardInterrupt:
            pass
        except Exception as error:
            self._report(number, error)
            return False
        minutes = (time.monotonic() - self._begin) / 60
        print(
            f"seed {self._options.seed}: {self._counts.total()} steps in {minutes:.0f} min, {self._full} with "
            "MLflow and everything else, each compared with a fresh run: everything was true"
        )
        print(", ".join(f"{name} {count}" for name, count in self._counts.most_common()))
        return True

    def _step(self, number: int, *, full: bool) -> None:
        begin = time.monotonic()
        # Each edit has random numbers of its own, so that a part of a sequence can be repeated.
        rng = Random(f"{self._options.seed} {number}")
        edit, detail = edits.draw(self.project, rng) if number else (edits.nothing, "the first run")
        try:
            self._check(full=full)
        except Exception as error:
            raise AssertionError(f"{edit.__name__}: {detail}\n{error}") from error
        self._counts[edit.__name__] += 1
        self._full += full
        seconds = f"{time.monotonic() - begin:.0f} s{', all' if full else ''}"
        self._lines.append(f"{number}: {edit.__name__}: {detail} ({seconds})")
        print(self._lines[-1], flush=True)

    def _check(self, *, full: bool) -> None:
        project = self.project
        invariants.check_success(project.run(full=full))
        invariants.check_results(project)
        invariants.check_nothing_to_do(project.run(full=full))
        invariants.check_no_remains(project, full=full)
        if full:
            invariants.check_store(project)
        invariants.compare_with_fresh(project, project.work / "fresh", full=full)

    def _report(self, number: int, error: Exception) -> None:
        options = self._options
        print(f"\nwrong after edit {number}: {type(error).__name__}: {error}")
        print(f"\nseed {options.seed}, edits before it:", *self._lines, sep="\n  ")
        print(f"\nThe folder is kept: {self.project.work}. To repeat the sequence:")
        print(f"  PYTHONPATH=tests python -m soak --seed {options.seed} --every {options.every} --until {number}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
