"""Cross-validation of a fusion from the predictions of its members, which are fitted once for it and for themselves.

The weights of a test fold follow from the members' held-out predictions for its training songs
(`models.inner_predictions`), so that nothing about the tested songs has a part in them. `models.fit.fit` gives the same
result, but fits every member again.
"""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from songwise.files import read_json, write_rows
from songwise.models.cross_validation import clips_of, predicted_table, write_predictions
from songwise.models.fusion import fit_weights, floored_logs, fuse
from songwise.splits.table import divide_rounds, read_songs, read_splits

WEIGHT_COLUMNS = ("repeat", "fold", "member", "weight")


def fuse_members(
    members: dict[str, Path],
    *,
    splits_csv: Path,
    tracks_csv: Path,
    protocol: str,
    folder: Path,
) -> None:
    """Fuse the predictions of a fusion's members for every fold of one protocol.

    Writes into `folder` what `cross_validation.cross_validate` writes, and weights.csv (repeat, fold, member, weight).

    Parameters
    ----------
    members : dict of str to Path
        Per member the `paths.protocol_folder` of its run, with predictions.csv, fit.json and inner.parquet.
    splits_csv : Path
        What `splits.make.make_splits` wrote.
    tracks_csv : Path
        What `splits.census.gather` wrote.
    protocol : str
        Name of the protocol.
    folder : Path
        `paths.protocol_folder` of the run.
    """
    splits = read_splits(splits_csv, protocol)
    labels = sorted(splits["label"].unique())
    columns = [f"p_{label}" for label in labels]
    song_of = read_songs(tracks_csv)
    inner = [_by_fold(pd.read_parquet(path / "inner.parquet"), columns) for path in members.values()]
    tested = [_by_fold(pd.read_csv(path / "predictions.csv"), columns) for path in members.values()]
    predictions, fits, weights, share = [], [], [], 1.0
    start = time.perf_counter()
    for repeat, fold, every, valid, test in divide_rounds(splits):
        # A member may have been fitted on some of the clips only: the weights follow from those that all have.
        common = np.logical_and.reduce([every["clip_id"].isin(table[repeat, fold].index) for table in inner])
        train = every[common]
        share = min(share, len(train) / len(every))
        y = np.searchsorted(labels, train["label"].to_numpy(dtype=str))
        known = np.unique(y)
        held_out = np.stack([table[repeat, fold].loc[train["clip_id"]].to_numpy()[:, known] for table in inner], axis=1)
        own_weights = fit_weights(floored_logs(held_out), np.searchsorted(known, y))
        own = np.stack([table[repeat, fold].loc[test["clip_id"]].to_numpy()[:, known] for table in tested], axis=1)
        probabilities = np.zeros((len(test), len(labels)))
        probabilities[:, known] = fuse(own, own_weights)
        predictions.append(predicted_table(test, song_of, probabilities, labels))
        fits.append(clips_of(repeat, fold, train=train, valid=valid, test=test))
        weights += [
            {"repeat": repeat, "fold": fold, "member": name, "weight": round(float(weight), 4)}
            for name, weight in zip(members, own_weights, strict=True)
        ]
    seconds = time.perf_counter() - start + sum(_fit_seconds(path) for path in members.values())
    facts = {"fit_seconds": round(seconds, 3), "fit_share": round(share, 4), "constant_columns": {}}
    write_rows(folder / "weights.csv", WEIGHT_COLUMNS, weights)
    write_predictions(pd.concat(predictions), pd.concat(fits), facts, folder)


def _by_fold(table: pd.DataFrame, columns: list[str]) -> dict[tuple[int, int], pd.DataFrame]:
    return {fold: rows.set_index("clip_id")[columns] for fold, rows in table.groupby(["repeat", "fold"], sort=False)}


def _fit_seconds(folder: Path) -> float:
    return read_json(folder / "fit.json")["fit_seconds"]
