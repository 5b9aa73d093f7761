"""Time the fits of two versions of songwise on the features of a finished run, and compare what they predict.

    python benchmarks/training.py BEFORE AFTER open-music --models classical --folds 2

BEFORE and AFTER are folders with the source code of songwise. The features, tracks and splits are those of the run in
this folder. Each version has one process, and they take turns, fit by fit, so that other work on the machine slows down
both. Only fits and predictions are timed, in CPU seconds, without imports and reading. A row has the mean time per fold
of both, the largest difference between two probabilities, and the number of clips whose predicted label differs. The
exit code is 1 if any does.
"""

import argparse
import os
import sys
import time
from multiprocessing.connection import Client, Listener
from pathlib import Path
from subprocess import Popen

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
SEED = 0
_KEY = "SONGWISE_BENCHMARK_KEY"


def main() -> int:
    """Print one row per model and protocol, and the sums; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("dataset")
    parser.add_argument(
        "--models", default="classical", help="a group of config/model_groups.yaml, or MODEL@PRESET,..."
    )
    parser.add_argument("--folds", type=int, default=1, help="of the first repeat of every protocol; default: 1")
    parser.add_argument("--seconds", type=float, default=np.inf, help="start no further model after this time")
    arguments = parser.parse_args()
    start = time.perf_counter()
    versions = [_start(tree) for tree in (arguments.before, arguments.after)]
    print("| model | protocol | before, s | after, s | ratio | largest difference | other labels |")
    print("|---|---|---|---|---|---|---|")
    rows = []
    for run, protocol in _pairs(arguments.dataset, arguments.models):
        if time.perf_counter() - start > arguments.seconds:
            print(f"stopped after {arguments.seconds:.0f} s", file=sys.stderr)
            break
        rows += [row := _compare(versions, arguments.dataset, run, protocol, arguments.folds)]
        print("| {} | {} | {:.2f} | {:.2f} | {:.2f} | {:.0e} | {} |".format(*row), flush=True)
    for connection, process in versions:
        connection.send(None)
        process.wait()
    _, _, before, after, _, difference, labels = zip(*rows, strict=True)
    ratio = sum(after) / sum(before)
    print(f"| all | | {sum(before):.1f} | {sum(after):.1f} | {ratio:.2f} | {max(difference):.0e} | {sum(labels)} |")
    return int(sum(labels) > 0)


def _start(tree: Path) -> tuple:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    source = {"PYTHONPATH": str(tree.resolve() / "src"), "PYTHONWARNINGS": "ignore"}
    key = os.urandom(16)
    with Listener(authkey=key) as listener:
        command = [sys.executable, __file__, "--fit", listener.address]
        process = Popen(command, env=os.environ | threads | source | {_KEY: key.hex()}, cwd=ROOT)
        return listener.accept(), process


def _pairs(dataset: str, models: str) -> list[tuple[str, str]]:
    from songwise.plan.plan import load_plan

    wanted = models.split(",") if "@" in models else models
    plan = load_plan({"dataset": dataset, "models": wanted}, ROOT)
    protocols = pd.read_csv(ROOT / "results" / dataset / "splits.csv", usecols=["protocol"])["protocol"].unique()
    return [(run, protocol) for run in map(str, plan.fitted) if run not in plan.fused for protocol in protocols]


def _compare(versions: list, dataset: str, run: str, protocol: str, folds: int) -> tuple:
    seconds, difference, labels = np.zeros(2), 0.0, 0
    for connection, _ in versions:
        connection.send((dataset, run, protocol))
    count = min(connection.recv() for connection, _ in versions)
    for fold in range(min(folds, count)):
        found = []
        for index, (connection, _) in enumerate(versions):
            connection.send(fold)
            own_seconds, probabilities = connection.recv()
            seconds[index] += own_seconds
            found.append(probabilities)
        difference = max(difference, float(np.abs(found[0] - found[1]).max()))
        labels += int((found[0].argmax(axis=1) != found[1].argmax(axis=1)).sum())
    before, after = seconds / min(folds, count)
    return run, protocol, before, after, after / before, difference, labels


def _fit(address: str) -> None:
    """Fit the folds that the main process asks for. A model and a protocol come first, then the numbers of folds."""
    from songwise.models.cross_validation import fold_seed
    from songwise.models.fit import fit
    from songwise.splits.table import divide_rounds

    connection = Client(address, authkey=bytes.fromhex(os.environ[_KEY]))
    while (asked := connection.recv()) is not None:
        if isinstance(asked, tuple):
            model, examples = _examples(*asked)
            rounds = divide_rounds(examples.splits)
            connection.send(sum(one.repeat == 0 for one in rounds))
            continue
        repeat, fold, train, valid, test = rounds[asked]
        X, y = examples.matrix(train)
        tested, _ = examples.matrix(test)
        start = time.process_time()
        seed = fold_seed(SEED, repeat, fold)
        classifier = fit(model, X, y, train["group"].to_numpy(), seed, examples.matrix(valid) if len(valid) else None)
        probabilities = classifier.probabilities(tested, len(examples.labels))
        connection.send((time.process_time() - start, probabilities))


def _examples(dataset: str, run: str, protocol: str) -> tuple:
    from songwise.features.presets import preset_key
    from songwise.models.cross_validation import Examples
    from songwise.paths import Run, feature_table
    from songwise.plan.plan import load_plan

    plan = load_plan({"dataset": dataset, "models": [run]}, ROOT)
    model = plan.model_of(run)
    folders = [
        feature_table(dataset, part, preset_key(plan.tables[part]), 0).parent
        for part in plan.parts[Run.parse(run).preset]
    ]
    tables = [path for folder in folders for path in sorted(folder.glob("[0-9]*.parquet"))]
    return model, Examples.read(model, tables, (), ROOT / "results" / dataset / "splits.csv", protocol)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fit"]:
        _fit(sys.argv[2])
    else:
        sys.exit(main())
