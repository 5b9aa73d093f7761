"""Time the training jobs of two versions of songwise on a finished run's features, and compare what they predict.

    python benchmarks/training.py BEFORE AFTER open-music --models classical --repeats 1

BEFORE and AFTER are folders with the source code of songwise. The features, tracks and splits are those of the run in
this folder. Every job is a process of its own, as in a run: train_model (all folds of the leaderboard's protocol, and
the bundle) and audit_model (all folds on random clips), imports and reading included. The two versions take turns, job
by job. A row has the CPU seconds of both, the largest difference between two probabilities, and the number of clips
whose predicted label differs. The exit code is 1 if any does.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
SEED = 0


def main() -> int:
    """Print one row per model and protocol, and the sums; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("dataset")
    parser.add_argument(
        "--models", default="classical", help="a group of config/model_groups.yaml, or MODEL@PRESET,..."
    )
    parser.add_argument("--repeats", type=int, default=1, help="of the splits; default: 1")
    parser.add_argument("--cores", type=int, default=2, help="jobs at a time; default: 2")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs, protocols = _prepare(arguments.dataset, arguments.models, arguments.repeats, Path(folder))
        pairs = [(run, protocol) for protocol in protocols for run in runs]
        trees = {"before": arguments.before, "after": arguments.after}
        compare = lambda pair: _compare(arguments, trees, *pair, Path(folder))  # noqa: E731
        start = time.perf_counter()
        with ThreadPoolExecutor(arguments.cores) as pool:
            rows = []
            print(
                "| job | before, s | after, s | ratio | largest difference | other labels |\n|---|---|---|---|---|---|"
            )
            for row in pool.map(compare, pairs):
                rows.append(row)
                print("| {} {} | {:.1f} | {:.1f} | {:.2f} | {:.1e} | {} |".format(*row), flush=True)
    table = pd.DataFrame(rows, columns=["run", "protocol", "before", "after", "ratio", "difference", "labels"])
    before, after = table["before"].sum(), table["after"].sum()
    differ = table["labels"].sum()
    print(
        f"| {len(table)} jobs | {before:.1f} | {after:.1f} | {after / before:.2f} | {table['difference'].max():.1e} |"
        f" {differ} |\n\n{time.perf_counter() - start:.0f} s in all"
    )
    return int(differ > 0)


def _prepare(dataset: str, models: str, repeats: int, folder: Path) -> tuple[list[str], list[str]]:
    """Write the splits of the first repeats; return the runs and the protocols."""
    from songwise.plan.plan import load_plan

    wanted = models.split(",") if "," in models or "@" in models else models
    plan = load_plan({"dataset": dataset, "models": wanted}, ROOT)
    splits = pd.read_csv(ROOT / "results" / dataset / "splits.csv", keep_default_na=False, dtype=str)
    splits[splits["repeat"].astype(int) < repeats].to_csv(folder / "splits.csv", index=False)
    return [str(run) for run in plan.fitted if str(run) not in plan.fused], list(splits["protocol"].unique())


def _compare(arguments, trees: dict[str, Path], run: str, protocol: str, folder: Path) -> tuple:
    seconds, probabilities = {}, {}
    for name, tree in trees.items():
        own = folder / name / run / protocol
        own.mkdir(parents=True)
        command = [sys.executable, __file__, "--job", arguments.dataset, run, protocol, str(folder), str(own)]
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        source = {"PYTHONPATH": str(tree.resolve() / "src"), "PYTHONWARNINGS": "ignore"}
        with (own / "log").open("w") as log:
            process = subprocess.Popen(command, env=os.environ | threads | source, cwd=ROOT, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{run} {protocol} failed with the code in {tree}:\n{(own / 'log').read_text()}")
        seconds[name] = usage.ru_utime + usage.ru_stime
        table = pd.read_csv(own / "predictions.csv").sort_values(["repeat", "clip_id"])
        probabilities[name] = table.filter(regex="^p_").to_numpy(), table["predicted"].to_numpy()
    (first, labels), (second, other) = probabilities["before"], probabilities["after"]
    ratio = seconds["after"] / seconds["before"]
    return run, protocol, *seconds.values(), ratio, np.abs(first - second).max(), int((labels != other).sum())


def _job(dataset: str, run: str, protocol: str, folder: Path, own: Path) -> None:
    from songwise.features.presets import preset_key
    from songwise.models.cross_validation import cross_validate, fit_bundle
    from songwise.paths import Run, feature_table
    from songwise.plan.plan import load_plan

    plan = load_plan({"dataset": dataset, "models": [run]}, ROOT)
    model, preset = plan.model_of(run), Run.parse(run).preset
    keys = {part: preset_key(plan.tables[part]) for part in plan.parts[preset]}
    tables = [
        path
        for part, key in keys.items()
        for path in sorted(feature_table(dataset, part, key, 0).parent.glob("[0-9]*.parquet"))
    ]
    data = {"feature_tables": tables, "splits_csv": folder / "splits.csv", "protocol": protocol, "seed": SEED}
    cross_validate(model, **data, tracks_csv=ROOT / "results" / dataset / "tracks.csv", folder=own)
    if protocol == pd.read_csv(folder / "splits.csv", usecols=["protocol"])["protocol"][0]:
        fit_bundle(model, plan.presets[preset], **data, card={}, folder=own / "bundle")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        _job(*sys.argv[2:5], *map(Path, sys.argv[5:]))
    else:
        sys.exit(main())
