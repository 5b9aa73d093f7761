"""Measure the time of a first and a second run of the workflow in a fresh clone of the project.

    python benchmarks/run.py                              the demo
    python benchmarks/run.py open-music mirror=FOLDER     another data set with further --config settings

It prints a table, and the resident memory of the largest process in MB, from Snakemake's benchmark files.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main(words: list[str]) -> None:
    dataset, *config = words or ["demo"]
    config = [word if not Path(word.partition("=")[2]).exists() else _absolute(word) for word in config]
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "songwise"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        command = [sys.executable, "-m", "snakemake", "--cores", "all", "--config", f"dataset={dataset}", *config]
        print("| run | seconds |\n|---|---|")
        for run in ("first", "second"):
            start = time.perf_counter()
            done = subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode:
                sys.exit(done.stdout[-3000:])
            print(f"| {dataset}, {run} | {time.perf_counter() - start:.1f} |", flush=True)
        tables = sorted(clone.glob(f"benchmarks/out/{dataset}/**/*.tsv"))
        print(f"\nLargest process: {max(map(_megabytes, tables)):.0f} MB")
        kept = ROOT / "benchmarks" / "out" / dataset
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(clone / "benchmarks" / "out" / dataset, kept)
        print(f"One file per job: {kept.relative_to(ROOT)}")


def _absolute(word: str) -> str:
    key, _, value = word.partition("=")
    return f"{key}={Path(value).resolve()}"


def _megabytes(table: Path) -> float:
    with table.open(newline="") as stream:
        return max(float(row["max_rss"]) for row in csv.DictReader(stream, delimiter="\t") if row["max_rss"] != "-")


if __name__ == "__main__":
    main(sys.argv[1:])
