"""Stage 5, models: a YAML file in, out-of-fold predictions and a refitted bundle out.

Everything that learns from data (column dropping, scaling, search, calibration) sits inside the outer fold, and
its own inner folds keep groups whole.
"""

import importlib
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import threadpoolctl
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from songwise.bundle import save_bundle
from songwise.errors import InputError
from songwise.files import read_rows, replacing, write_json
from songwise.jobs import Progress
from songwise.splits import read_rounds, read_splits

_INNER_FOLDS = 3
_DECIMALS = 6  # of a probability; the floor of a song's verdict is 1e-6


@dataclass(frozen=True)
class Classifier:
    """A fitted pipeline and the label of each of its output columns.

    Attributes
    ----------
    pipeline : predicts integers 0..k-1.
    classes : shape (k,), indices into the data set's labels; a class absent from training is absent here.
    """

    pipeline: Pipeline | CalibratedClassifierCV
    classes: np.ndarray

    def probabilities(self, X: np.ndarray, n_labels: int) -> np.ndarray:
        """Probability of each label, shape (clips, n_labels); 0 for a label that was not trained."""
        found = np.zeros((len(X), n_labels))
        found[:, self.classes] = self.pipeline.predict_proba(X)
        return found


def read_features(paths: list[Path]) -> pd.DataFrame:
    """The feature tables of all shards as one, indexed by clip_id and sorted by it; float32, shape (clips, columns)."""
    table = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
    return table.set_index("clip_id").sort_index()


def build(model: dict, seed: int) -> Pipeline:
    """The unfitted pipeline of a model file: constant columns dropped, then scaled, then the estimator.

    Raises
    ------
    InputError : naming the model and the parameter that its estimator does not know.
    """
    module, _, name = model["estimator"].rpartition(".")
    estimator = getattr(importlib.import_module(module), name)()
    known = estimator.get_params()
    for key in [*model["parameters"], *model["search"]]:
        if key not in known:
            raise InputError(
                f"config/models/{model['name']}.yaml: {name} has no parameter '{key}' "
                f"(it has: {', '.join(sorted(known))})"
            )
    estimator.set_params(**model["parameters"])
    # One thread a fit: jobs run in parallel, and figures must not depend on cores.
    fixed = {"random_state": seed, "n_jobs": 1}
    if isinstance(estimator, LogisticRegression):
        del fixed["n_jobs"]  # has no effect there any more, and warns
    estimator.set_params(**{key: value for key, value in fixed.items() if key in known})
    steps = [("varies", VarianceThreshold())]
    if model["scale"] == "standard":
        steps.append(("scale", StandardScaler()))
    return Pipeline([*steps, ("model", estimator)])


def fit(model: dict, X: np.ndarray, y: np.ndarray, groups: np.ndarray, seed: int) -> Classifier:
    """Fit one model, its search and calibration by inner folds that keep groups whole.

    Parameters
    ----------
    model : the model file's content.
    X : float, shape (clips, columns).
    y : int, shape (clips,), indices into the data set's labels.
    groups : shape (clips,); no group crosses an inner fold.
    seed : of the estimator and the inner folds.
    """
    classes, encoded = np.unique(y, return_inverse=True)
    pipeline = build(model, seed)
    inner = _inner_folds(model, encoded, groups, seed) if model["search"] or model["calibrate"] else []
    with threadpoolctl.threadpool_limits(1):
        if model["search"]:
            grid = {f"model__{key}": values for key, values in model["search"].items()}
            search = GridSearchCV(pipeline, grid, cv=inner, refit=False, scoring="accuracy", error_score="raise")
            pipeline.set_params(**search.fit(X, encoded).best_params_)
        if model["calibrate"]:
            pipeline = CalibratedClassifierCV(pipeline, method="sigmoid", cv=inner, ensemble=False)
        pipeline.fit(X, encoded)
    return Classifier(pipeline, classes)


def _inner_folds(model: dict, y: np.ndarray, groups: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    fewest = min(len(np.unique(groups[y == label])) for label in np.unique(y))
    if fewest < 2:
        raise InputError(
            f"config/models/{model['name']}.yaml: search and calibrate need two songs a class in every training "
            "fold, and a class has one; add songs, or lower split.folds"
        )
    splitter = StratifiedGroupKFold(min(_INNER_FOLDS, fewest), shuffle=True, random_state=seed)
    return list(splitter.split(X=np.zeros(len(y)), y=y, groups=groups))


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
    fits.parquet (repeat, fold, role, clip_id: what each fit was given) and fit.json (seconds).

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
    predictions, fits, seconds = [], [], 0.0
    for repeat, fold, trained, _, tested in rounds:
        X_train, y_train = _design(features, trained, labels)
        start = time.perf_counter()
        classifier = fit(model, X_train, y_train, trained["group"].to_numpy(), fold_seed(seed, repeat, fold))
        seconds += time.perf_counter() - start
        X_test, _ = _design(features, tested, labels)
        predictions.append(_predicted(classifier, X_test, tested.assign(song=tested["track_id"].map(song_of)), labels))
        for role, side in (("train", trained), ("test", tested)):
            fits.append(pd.DataFrame({"repeat": repeat, "fold": fold, "role": role, "clip_id": side["clip_id"]}))
        progress.step()
    _write(pd.concat(predictions), pd.concat(fits), seconds, folder)


def _design(features: pd.DataFrame, rows: pd.DataFrame, labels: list[str]) -> tuple[np.ndarray, np.ndarray]:
    X = features.loc[rows["clip_id"]].to_numpy(dtype=np.float64)
    return X, np.searchsorted(labels, rows["label"].to_numpy(dtype=str))


def _predicted(classifier: Classifier, X: np.ndarray, rows: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    # Rounded before the verdict, so that the file and the verdict never disagree.
    probabilities = np.round(classifier.probabilities(X, len(labels)), _DECIMALS)
    found = rows[["repeat", "fold", "clip_id", "track_id", "song", "label"]].copy()
    found["predicted"] = np.array(labels)[probabilities.argmax(axis=1)]
    columns = {f"p_{label}": probabilities[:, index] for index, label in enumerate(labels)}
    return pd.concat([found, pd.DataFrame(columns, index=found.index)], axis=1)


def _write(predictions: pd.DataFrame, fits: pd.DataFrame, seconds: float, folder: Path) -> None:
    with replacing(folder / "predictions.csv") as temporary:
        predictions.sort_values(["repeat", "clip_id"]).to_csv(temporary, index=False, lineterminator="\n")
    with replacing(folder / "fits.parquet") as temporary:
        fits.to_parquet(temporary, index=False)
    write_json(folder / "fit.json", {"fit_seconds": round(seconds, 3)})


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
