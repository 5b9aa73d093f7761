"""Compare the figures of two project folders: python benchmarks/compare_figures.py BEFORE AFTER [DATASET ...].

Two versions of songwise that ran the same commands must give the same tables. leaderboard.csv is compared without its
column fit_seconds, which is a time, and a track's reason by its first word. Feature tables are compared by their
columns and the bytes of each value, whatever the folder of the preset's key. The exit code is 1 if anything differs or
is missing.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
from pyarrow import parquet

TABLES = ("tracks.csv", "clips.csv", "duplicates.csv", "splits.csv", "leaderboard.csv", "leakage.csv", "rules.csv")
TABLES += ("levels.csv", "shortcuts.csv", "standardised.csv", "learning_curve.csv", "importance.csv", "clusters.csv")
TIMES = ["fit_seconds"]


def main() -> int:
    """Print one line per table, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("datasets", nargs="*", help="default: all data sets of BEFORE")
    arguments = parser.parse_args()
    names = arguments.datasets or sorted(
        path.parent.name for path in arguments.before.glob("results/*/leaderboard.csv")
    )
    differences = 0
    for name in names:
        for table in TABLES:
            verdict = compare_tables(
                *(folder / "results" / name / table for folder in (arguments.before, arguments.after))
            )
            differences += verdict != "identical"
            print(f"{name:12} {table:20} {verdict}")
        folders = [folder / "data/features" / name for folder in (arguments.before, arguments.after)]
        for preset in sorted(path.name for path in folders[0].iterdir() if path.is_dir()):
            verdict = compare_features(*(folder / preset for folder in folders))
            differences += not verdict.startswith("identical")
            print(f"{name:12} {preset:20} {verdict}")
    return int(differences > 0)


def compare_tables(before: Path, after: Path) -> str:
    """Return whether two CSV files are the same text, apart from times."""
    if not before.is_file() or not after.is_file():
        return f"missing: {after if before.is_file() else before}"
    if before.read_bytes() == after.read_bytes():
        return "identical"
    first, second = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in (before, after))
    first, second = (comparable(table) for table in (first, second))
    return "identical" if first.equals(second) else "DIFFERS"


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without times, and with the first words of reasons only."""
    table = table.drop(columns=TIMES, errors="ignore")
    return table.assign(reason=table["reason"].str.partition(":")[0]) if "reason" in table else table


def compare_features(before: Path, after: Path) -> str:
    """Return whether two folders of a preset's tables hold the same columns and values, to the bit."""
    shards = [{path.name: path for path in sorted(folder.glob("*/*.parquet"))} for folder in (before, after)]
    if shards[0].keys() != shards[1].keys():
        return f"DIFFERS: {len(shards[0])} and {len(shards[1])} shards"
    values = 0
    for name, path in shards[0].items():
        first, second = parquet.read_table(path), parquet.read_table(shards[1][name])
        if not first.equals(second):
            return f"DIFFERS: {name}"
        values += first.num_rows * (first.num_columns - 1)
    return f"identical ({len(shards[0])} shards, {values:,} values)"


if __name__ == "__main__":
    sys.exit(main())
