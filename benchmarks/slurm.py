"""Measure what Slurm costs: the same run in fresh clones, on this machine's cores and on a Slurm with as many.

    python benchmarks/slurm.py demo                                     to the leaderboard of the demo
    python benchmarks/slurm.py open-music models=quick mirror=FOLDER    another data set with further --config settings
    python benchmarks/slurm.py --start                                  CPU time of Snakemake's start in a job, alone

The two alternate (--rounds). It prints the seconds of each run, the share of the cluster's time that was not work of
the rules, and whether the leaderboards are equal except for their column of measured times. It needs root and Debian's
slurmctld, slurmd, slurm-client and munge (tests/helpers/slurm.py), and `make slurm`.
"""

import argparse
import csv
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from helpers.slurm import slurm, why_not  # noqa: E402

_SPAN = re.compile(r"StartTime=(\S+) EndTime=(\S+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", default="demo")
    parser.add_argument("config", nargs="*", help="KEY=VALUE, as for --config")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keeps the projects here")
    parser.add_argument("--start", action="store_true")
    options = parser.parse_args()
    if options.start:
        _measure_start(options.rounds)
        return
    if reason := why_not():
        sys.exit(f"Slurm cannot run here: it {reason}")
    config = [word if not Path(word.partition("=")[2]).exists() else _absolute(word) for word in options.config]
    board = f"results/{options.dataset}/leaderboard.csv"
    words = [sys.executable, "-m", "snakemake", board, "--config", f"dataset={options.dataset}", *config]
    boards = set()
    print("| run | seconds | jobs on Slurm | their seconds | of which rules |\n|---|---|---|---|---|")
    for number in range(options.rounds):
        for place in ("local", "Slurm"):
            with _folder(options.folder, f"{place.lower()}-{number}") as folder:
                clone = folder / "songwise"
                subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
                seconds, jobs = _run(words, clone, on_slurm=place == "Slurm")
                work = sum(_seconds(table) for table in _tables(clone)) if jobs else 0
                print(f"| {place} | {seconds:.0f} | {len(jobs)} | {sum(jobs):.0f} | {work:.0f} |", flush=True)
                boards.add(_comparable(clone / board))
    print(f"\nThe leaderboards are {'equal' if len(boards) == 1 else 'DIFFERENT'}")
    sys.exit(len(boards) != 1)


@contextmanager
def _folder(kept: Path | None, name: str) -> Iterator[Path]:
    if kept:
        (kept / name).mkdir(parents=True)
        yield (kept / name).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="songwise-") as folder:
        yield Path(folder)


def _measure_start(rounds: int) -> None:
    """Print the CPU seconds of a job with hardly any work, and of the import of Snakemake alone."""
    job = [sys.executable, "-m", "snakemake", "--target-jobs", "write_attribution:dataset=demo", "--force"]
    job += ["--allowed-rules", "write_attribution", "--cores", "1", "--nolock", "--executor", "local"]
    job += ["--mode", "remote"]
    bare = [sys.executable, "-c", "import snakemake.cli, snakemake.workflow"]
    with tempfile.TemporaryDirectory(prefix="songwise-") as folder:
        clone = Path(folder) / "songwise"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        environment = os.environ | {"PYTHONPATH": str(clone / "src")}
        page = "data/raw/demo/ATTRIBUTION.md"
        _time([sys.executable, "-m", "snakemake", "--cores", "all", page], clone, environment)
        print("| import of Snakemake | job | ratio |\n|---|---|---|")
        for _ in range(rounds):
            seconds = [_cpu(command, clone, environment) for command in (bare, job)]
            print(f"| {seconds[0]:.2f} | {seconds[1]:.2f} | {seconds[1] / seconds[0]:.2f} |", flush=True)


def _cpu(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _time(command, folder, environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _run(words: list[str], clone: Path, *, on_slurm: bool) -> tuple[float, list[float]]:
    """Return the seconds of a run, and those of each of its jobs on Slurm."""
    environment = os.environ | {"PYTHONPATH": str(clone / "src")}
    if not on_slurm:
        return _time([*words, "--cores", "all"], clone, environment), []
    place = clone.parent / "slurm"
    place.mkdir()
    with slurm(place, nodes=1, cores=os.cpu_count() or 1, memory=64000) as variables:
        seconds = _time([*words, "--profile", "profiles/slurm"], clone, environment | variables)
        time.sleep(1)  # until Slurm has recorded the last job
        return seconds, [_span(line) for line in (place / "jobs.txt").read_text().splitlines()]


def _time(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        sys.exit(done.stdout[-3000:])
    return time.perf_counter() - start


def _span(line: str) -> float:
    start, end = (time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S")) for text in _SPAN.search(line).groups())
    return end - start


def _tables(clone: Path) -> list[Path]:
    return sorted((clone / "benchmarks" / "out").rglob("*.tsv"))


def _seconds(table: Path) -> float:
    with table.open(newline="") as stream:
        return sum(float(row["s"]) for row in csv.DictReader(stream, delimiter="\t"))


def _comparable(board: Path) -> str:
    with board.open(newline="") as stream:
        return str([{key: row[key] for key in row if key != "fit_seconds"} for row in csv.DictReader(stream)])


def _absolute(word: str) -> str:
    key, _, value = word.partition("=")
    return f"{key}={Path(value).resolve()}"


if __name__ == "__main__":
    main()
