"""Stage 4, splits: who is tested when, with no song on both sides."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from songwise.files import read_rows, write_rows
from songwise.groups import join

COLUMNS = ("protocol", "repeat", "clip_id", "track_id", "label", "group", "fold", "role")


class Round(NamedTuple):
    """One fit and its test: rows of splits.csv, a clip each.

    Attributes
    ----------
    repeat, fold : which one.
    train : what the model is fitted on.
    valid : what may choose among settings and is never trained on or tested; empty unless the roles are predefined.
    test : what it is tested on.
    """

    repeat: int
    fold: int
    train: pd.DataFrame
    valid: pd.DataFrame
    test: pd.DataFrame


def read_rounds(splits_csv: Path, protocol: str) -> list[Round]:
    """Every fit of a protocol, by repeat and fold. In fold f the clips with fold f are tested and all others trained
    on, but for those whose role is "valid"; clips with fold -1 are never tested."""
    splits = read_splits(splits_csv, protocol)
    found = []
    for repeat, rows in splits.groupby("repeat"):
        valid = rows["role"] == "valid"
        for fold in sorted(set(rows["fold"]) - {-1}):
            tested = rows["fold"] == fold
            found.append(Round(int(repeat), int(fold), rows[~tested & ~valid], rows[valid], rows[tested]))
    return found


def read_splits(splits_csv: Path, protocol: str) -> pd.DataFrame:
    """The rows of splits.csv of one protocol, names and labels as text."""
    text = {"clip_id": str, "track_id": str, "label": str, "group": str}
    splits = pd.read_csv(splits_csv, keep_default_na=False, dtype=text)
    return splits[splits["protocol"] == protocol].copy()


def make_splits(
    *,
    tracks_csv: Path,
    clips_csv: Path,
    duplicates_csv: Path,
    output: Path,
    protocols: list[str],
    folds: int,
    repeats: int,
    seed: int,
) -> None:
    """Write splits.csv: for every protocol and repeat, the fold in which each good clip is tested.

    Parameters
    ----------
    tracks_csv, clips_csv, duplicates_csv : what `census.gather` wrote.
    output : with COLUMNS; role is "test", since in k-fold every clip is tested once a repeat.
    protocols : "by-song" (scikit-learn's StratifiedGroupKFold) or "random-clips" (StratifiedKFold over clips,
        every clip its own group: the field's habit, for the audit only).
    folds, repeats, seed : repeat r shuffles with a seed drawn from (seed, r), the same for all protocols.
    """
    tracks = read_rows(tracks_csv)
    groups = join(tracks, read_rows(duplicates_csv))
    labels = {row["track_id"]: row["label"] for row in tracks}
    clips = sorted((row for row in read_rows(clips_csv) if row["status"] == "ok"), key=lambda row: row["clip_id"])
    y = np.array([labels[row["track_id"]] for row in clips])
    rows = []
    for protocol in protocols:
        if protocol == "random-clips":
            group = np.array([row["clip_id"] for row in clips])
        else:
            group = np.array([groups[row["track_id"]] for row in clips])
        for repeat in range(repeats):
            fold = _folds(y, group, protocol, folds, int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0]))
            rows += [
                {
                    "protocol": protocol,
                    "repeat": repeat,
                    "clip_id": clip["clip_id"],
                    "track_id": clip["track_id"],
                    "label": y[index],
                    "group": group[index],
                    "fold": fold[index],
                    "role": "test",
                }
                for index, clip in enumerate(clips)
            ]
    write_rows(output, COLUMNS, rows)


def _folds(y: np.ndarray, group: np.ndarray, protocol: str, folds: int, seed: int) -> np.ndarray:
    if protocol == "random-clips":
        parts = StratifiedKFold(folds, shuffle=True, random_state=seed).split(np.zeros(len(y)), y)
    else:
        parts = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(np.zeros(len(y)), y, group)
    fold = np.full(len(y), -1)
    for index, (_, test) in enumerate(parts):
        fold[test] = index
    return fold
