"""Compare models and their fusion by song, on the feature tables and the splits of a finished run.

    python benchmarks/heads.py open-music lda_pooled@mfcccov logistic_regression@mfcccov lda_shrinkage@fma518

It prints clip and song accuracy with 95 % intervals, first for each model, then for all of them with equal and with
learned weights. The weights come from inner folds of the training songs, so that the tested songs have no part in them.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.model_selection import StratifiedGroupKFold

from songwise.evaluation.bootstrap import bootstrap_draws, interval
from songwise.evaluation.verdicts import song_verdicts
from songwise.evaluation.votes import Units, read_units
from songwise.features.matrix import read_features
from songwise.models.cross_validation import fold_seed
from songwise.models.files import load_model
from songwise.models.fit import fit
from songwise.models.fusion import fit_weights, floored_logs
from songwise.paths import Run
from songwise.splits.table import divide_rounds, read_songs, read_splits

ROOT = Path(__file__).parents[1]
_INNER_FOLDS = 3
_DECIMALS = 6  # as in predictions.csv


def main(dataset: str, names: list[str]) -> None:
    results = ROOT / "results" / dataset
    protocol = pd.read_csv(results / "splits.csv", usecols=["protocol"])["protocol"][0]
    splits = read_splits(results / "splits.csv", protocol)
    units = read_units(
        tracks_csv=results / "tracks.csv",
        duplicates_csv=results / "duplicates.csv",
        splits_csv=results / "splits.csv",
        protocol=protocol,
    )
    song_of, labels = read_songs(results / "tracks.csv"), sorted(splits["label"].unique())
    members = [(load_model(run.model, ROOT), _features(dataset, run.preset)) for run in map(Run.parse, names)]
    tested, logs, learned = [], [], []
    for repeat, fold, train, _, test in divide_rounds(splits):
        seed = fold_seed(0, repeat, fold)
        outer = _logs(members, train, test, labels, seed)
        weights = fit_weights(_out_of_fold(members, train, labels, seed), np.searchsorted(labels, train["label"]))
        tested.append(test.assign(song=test["track_id"].map(song_of)))
        logs.append(outer)
        learned.append(np.einsum("m,nmk->nk", weights, outer))
        print(f"repeat {repeat}, fold {fold}: weights {np.round(weights, 2)}", file=sys.stderr, flush=True)
    rows, logs = pd.concat(tested, ignore_index=True), np.concatenate(logs)
    print("| model | clip accuracy | song accuracy |\n|---|---|---|")
    for index, name in enumerate(names):
        _print_row(name, rows, np.exp(logs[:, index]), labels, units)
    _print_row("equal weights", rows, softmax(logs.mean(axis=1), axis=1), labels, units)
    _print_row("learned weights", rows, softmax(np.concatenate(learned), axis=1), labels, units)


def _features(dataset: str, preset: str) -> pd.DataFrame:
    folders = sorted((ROOT / "data" / "features" / dataset / preset).glob("*/"))
    if len(folders) != 1:
        sys.exit(f"data/features/{dataset}/{preset} must contain the tables of exactly one version; run songwise first")
    return read_features(sorted(folders[0].glob("[0-9]*.parquet")))


def _logs(members: list, train: pd.DataFrame, test: pd.DataFrame, labels: list[str], seed: int) -> np.ndarray:
    y, groups = np.searchsorted(labels, train["label"]), train["group"].to_numpy()
    probabilities = []
    for model, features in members:
        inside, outside = (features.loc[rows["clip_id"]].to_numpy(np.float64) for rows in (train, test))
        probabilities.append(fit(model, inside, y, groups, seed).probabilities(outside, len(labels)))
    return floored_logs(np.stack(probabilities, axis=1))


def _out_of_fold(members: list, train: pd.DataFrame, labels: list[str], seed: int) -> np.ndarray:
    logs = np.empty((len(train), len(members), len(labels)))
    folds = StratifiedGroupKFold(_INNER_FOLDS, shuffle=True, random_state=seed)
    for inside, outside in folds.split(train, train["label"], train["group"]):
        logs[outside] = _logs(members, train.iloc[inside], train.iloc[outside], labels, seed)
    return logs


def _print_row(name: str, rows: pd.DataFrame, probabilities: np.ndarray, labels: list[str], units: Units) -> None:
    rounded = np.round(probabilities, _DECIMALS)
    columns = {f"p_{label}": rounded[:, index] for index, label in enumerate(labels)}
    clips = pd.concat([rows, pd.DataFrame(columns)], axis=1).assign(predicted=np.array(labels)[rounded.argmax(axis=1)])
    print(f"| {name} | {_accuracy(clips, units)} | {_accuracy(song_verdicts(clips), units)} |", flush=True)


def _accuracy(table: pd.DataFrame, units: Units) -> str:
    votes, group = units.votes(table), np.searchsorted(units.groups, table["song"].map(units.group_of))
    hits = np.bincount(group, votes * (table["label"] == table["predicted"]), len(units.groups))
    all_votes = np.bincount(group, votes, len(units.groups))
    draws = bootstrap_draws(len(units.groups), 0)
    low, high = interval(draws @ hits / (draws @ all_votes))
    return f"{hits.sum() / all_votes.sum():.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
