"""Stage 5, models: a YAML file in, out-of-fold predictions and a refitted bundle out.

Everything that learns from data sits inside the outer fold, in `fitting`.
"""

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from songwise.errors import InputError
from songwise.features.matrix import read_features
from songwise.files import read_rows, replacing, write_json
from songwise.models.bundle import save_bundle
from songwise.models.fit import Classifier, fit
from songwise.runtime.progress import Progress
from songwise.splits.table import read_rounds, read_splits

_DECIMALS = 6  # of a probability; the floor of a song's verdict is 1e-6


def fold_seed(seed: int, repeat: int, fold: int) -> int:
    """The seed of one fit, independent of the order in which fits are made."""
    return int(np.random.SeedSequence([seed, repeat, fold]).generate_state(1)[0] >> 1)


def cross_validate(
    model: dict,
    *,
    feature_tables: list[Path],
    splits_csv: Path,
    tracks_csv: Path,
    protocol: str,
    seed: int,
    folder: Path,
) -> None:
    """Test a model on every fold of one protocol and write what it predicted.

    Writes into `folder`: predictions.csv (repeat, fold, clip_id, track_id, song, label, predicted, p_LABEL...),
    fits.parquet (repeat, fold, role, clip_id: what each fit was given) and fit.json (fit_seconds; constant_columns,
    with the number of fits that dropped each).

    Parameters
    ----------
    model : the model file's content.
    feature_tables : Parquet tables of one preset, all shards.
    splits_csv, tracks_csv : what `make_splits` and `census.gather` wrote.
    protocol : which rows of the splits.
    seed : from config.
    folder : results/DATASET/models/MODEL@PRESET/PROTOCOL.
    """
    features = read_features(feature_tables)
    rounds = read_rounds(splits_csv, protocol)
    song_of = {row["track_id"]: row["song"] for row in read_rows(tracks_csv)}
    labels = sorted(set().union(*(side["label"] for this in rounds for side in this[2:])))
    progress = Progress(f"train {model['name']} {protocol}", len(rounds), "folds")
    predictions, fits, seconds, constant = [], [], 0.0, Counter()
    for repeat, fold, trained, valid, tested in rounds:
        X_train, y_train = _design(features, trained, labels)
        constant.update(_constant_columns(X_train, features.columns, feature_tables[0].parent))
        to_choose = _design(features, valid, labels) if len(valid) else None
        start = time.perf_counter()
        groups = trained["group"].to_numpy()
        classifier = fit(model, X_train, y_train, groups, fold_seed(seed, repeat, fold), to_choose)
        seconds += time.perf_counter() - start
        X_test, _ = _design(features, tested, labels)
        predictions.append(_predicted(classifier, X_test, tested.assign(song=tested["track_id"].map(song_of)), labels))
        for role, side in (("train", trained), ("valid", valid), ("test", tested)):
            fits.append(pd.DataFrame({"repeat": repeat, "fold": fold, "role": role, "clip_id": side["clip_id"]}))
        progress.step()
    facts = {"fit_seconds": round(seconds, 3), "constant_columns": dict(constant)}
    _write(pd.concat(predictions), pd.concat(fits), facts, folder)


def _design(features: pd.DataFrame, rows: pd.DataFrame, labels: list[str]) -> tuple[np.ndarray, np.ndarray]:
    X = features.loc[rows["clip_id"]].to_numpy(dtype=np.float64)
    return X, np.searchsorted(labels, rows["label"].to_numpy(dtype=str))


def _constant_columns(X: np.ndarray, names: pd.Index, table: Path) -> list[str]:
    constant = X.min(axis=0) == X.max(axis=0)
    if constant.all():
        raise InputError(f"{table}: every column is constant in a training fold, so there is nothing to learn from")
    return list(names[constant])


def _predicted(classifier: Classifier, X: np.ndarray, rows: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    # Rounded before the verdict, so that the file and the verdict never disagree.
    probabilities = np.round(classifier.probabilities(X, len(labels)), _DECIMALS)
    found = rows[["repeat", "fold", "clip_id", "track_id", "song", "label"]].copy()
    found["predicted"] = np.array(labels)[probabilities.argmax(axis=1)]
    columns = {f"p_{label}": probabilities[:, index] for index, label in enumerate(labels)}
    return pd.concat([found, pd.DataFrame(columns, index=found.index)], axis=1)


def _write(predictions: pd.DataFrame, fits: pd.DataFrame, facts: dict, folder: Path) -> None:
    with replacing(folder / "predictions.csv") as temporary:
        predictions.sort_values(["repeat", "clip_id"]).to_csv(temporary, index=False, lineterminator="\n")
    with replacing(folder / "fits.parquet") as temporary:
        fits.to_parquet(temporary, index=False)
    write_json(folder / "fit.json", facts)


def fit_bundle(
    model: dict,
    preset: dict,
    *,
    feature_tables: list[Path],
    splits_csv: Path,
    protocol: str,
    seed: int,
    card: dict,
    folder: Path,
) -> None:
    """Refit a model on all good songs and save it with what a later `classify` must know.

    Parameters
    ----------
    protocol : the honest one, whose groups the inner folds keep whole.
    card : further facts for bundle.json; labels, columns, model and preset are added.
    folder : results/DATASET/models/MODEL@PRESET/bundle.
    """
    features = read_features(feature_tables)
    splits = read_splits(splits_csv, protocol)
    rows = splits[splits["repeat"] == 0]
    labels = sorted(rows["label"].unique())
    X, y = _design(features, rows, labels)
    classifier = fit(model, X, y, rows["group"].to_numpy(), seed)
    card = card | {"labels": labels, "columns": list(features.columns), "model": model, "preset": preset}
    save_bundle(folder, classifier.pipeline, card)
