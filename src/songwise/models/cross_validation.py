"""Stage 5, models: predictions for songs that a model was not trained on, and a model fitted on all songs.

Everything that learns from data happens inside the outer fold, in `models.fit`.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from songwise.errors import InputError
from songwise.features.matrix import read_features
from songwise.files import replacing, write_json, write_rows
from songwise.models.bundle import save_bundle
from songwise.models.fit import Classifier, fit
from songwise.models.networks import import_deep, is_network
from songwise.models.pipeline import build
from songwise.runtime.progress import Progress
from songwise.splits.table import divide_rounds, first_repeat, read_songs, read_splits

CURVE_COLUMNS = ("repeat", "fold", "epoch", "training_loss", "held_out_loss", "held_out_accuracy")
_DECIMALS = 6  # of a probability; a song's verdict never has less than 1e-6


def fold_seed(seed: int, repeat: int, fold: int) -> int:
    """Return the seed of one fit, which does not depend on the order of fits.

    Parameters
    ----------
    seed : int
        From the config.
    repeat : int
        Number of the repeat.
    fold : int
        Number of the fold.

    Returns
    -------
    int
        Not negative, below 2 ** 31.
    """
    return int(np.random.SeedSequence([seed, repeat, fold]).generate_state(1)[0] >> 1)


@dataclass(frozen=True)
class _Examples:
    """The good clips of one protocol, and their features.

    Attributes
    ----------
    features : DataFrame, shape (clips, columns), or ClipFrames
        Indexed by clip_id; frames for a network.
    splits : DataFrame
        The protocol's rows of splits.csv.
    labels : list of str
        In alphabetical order; y counts in it.
    """

    features: pd.DataFrame
    splits: pd.DataFrame
    labels: list[str]

    @classmethod
    def read(
        cls, model: dict, feature_tables: list[Path], frames: Sequence[Path], splits_csv: Path, protocol: str
    ) -> Self:
        splits = read_splits(splits_csv, protocol)
        labels = sorted(splits["label"].unique())
        if not is_network(model):
            return cls(read_features(feature_tables), splits, labels)
        family = build(model, seed=0).family
        return cls(import_deep("clip_frames").ClipFrames.read(frames, family), splits, labels)

    def matrix(self, rows: pd.DataFrame) -> tuple[Any, np.ndarray]:
        """Return X, float64, shape (clips, columns), or ClipFrames, and y, int, shape (clips,), of some rows."""
        y = np.searchsorted(self.labels, rows["label"].to_numpy(dtype=str))
        if not isinstance(self.features, pd.DataFrame):
            return self.features.of(rows["clip_id"].to_numpy(dtype=str)), y
        return self.features.loc[rows["clip_id"]].to_numpy(dtype=np.float64), y

    def constant_columns(self, X: Any, tables: Path) -> list[str]:
        """Return the names of the columns that are constant in a training set; frames have none."""
        if not isinstance(self.features, pd.DataFrame):
            return []
        constant = X.min(axis=0) == X.max(axis=0)
        if constant.all():
            raise InputError(
                f"{tables}: every column is constant in a training fold, so there is nothing to learn from"
            )
        return list(self.features.columns[constant])


def cross_validate(
    model: dict,
    *,
    feature_tables: list[Path],
    splits_csv: Path,
    tracks_csv: Path,
    protocol: str,
    seed: int,
    folder: Path,
    frames: Sequence[Path] = (),
) -> None:
    """Test a model on every fold of one protocol, and write its predictions.

    Writes into `folder`: predictions.csv (repeat, fold, clip_id, track_id, song, label, predicted, p_LABEL...),
    fits.parquet (repeat, fold, role, clip_id: the clips of each fit) and fit.json (fit_seconds; constant_columns, with
    the number of fits that dropped each). For a network also curves.csv (CURVE_COLUMNS), one row per epoch.

    Parameters
    ----------
    model : dict
        The model file's content.
    feature_tables : list of Path
        Parquet tables of one preset, of all shards.
    splits_csv : Path
        What `splits.make.make_splits` wrote.
    tracks_csv : Path
        What `splits.census.gather` wrote.
    protocol : str
        Name of the protocol.
    seed : int
        From the config.
    folder : Path
        `paths.protocol_folder` of the run.
    frames : sequence of Path, optional
        Frame files of the preset, of all shards. Only networks need them.

    Raises
    ------
    InputError
        If the features or the model file cannot be used.
    """
    examples = _Examples.read(model, feature_tables, frames, splits_csv, protocol)
    song_of = read_songs(tracks_csv)
    rounds = divide_rounds(examples.splits)
    progress = Progress(f"train {model['name']} {protocol}", len(rounds), "folds")
    predictions, fits, curves, seconds, constant = [], [], [], 0.0, Counter()
    for repeat, fold, train, valid, test in rounds:
        X, y = examples.matrix(train)
        constant.update(examples.constant_columns(X, feature_tables[0].parent))
        to_choose_on = examples.matrix(valid) if len(valid) else None
        start = time.perf_counter()
        classifier = fit(model, X, y, train["group"].to_numpy(), fold_seed(seed, repeat, fold), to_choose_on)
        seconds += time.perf_counter() - start
        curves += [{"repeat": repeat, "fold": fold} | row for row in getattr(classifier.pipeline, "curve_", [])]
        predictions.append(_predict(classifier, examples, test.assign(song=test["track_id"].map(song_of))))
        for role, rows in (("train", train), ("valid", valid), ("test", test)):
            fits.append(pd.DataFrame({"repeat": repeat, "fold": fold, "role": role, "clip_id": rows["clip_id"]}))
        progress.step()
    facts = {"fit_seconds": round(seconds, 3), "constant_columns": dict(constant)}
    _write(pd.concat(predictions), pd.concat(fits), facts, folder)
    if is_network(model):
        write_rows(folder / "curves.csv", CURVE_COLUMNS, curves)


def _predict(classifier: Classifier, examples: _Examples, rows: pd.DataFrame) -> pd.DataFrame:
    X, _ = examples.matrix(rows)
    # Rounded before the verdict, so that the file and the verdict never disagree.
    probabilities = np.round(classifier.probabilities(X, len(examples.labels)), _DECIMALS)
    predicted = rows[["repeat", "fold", "clip_id", "track_id", "song", "label"]].copy()
    predicted["predicted"] = np.array(examples.labels)[probabilities.argmax(axis=1)]
    columns = {f"p_{label}": probabilities[:, index] for index, label in enumerate(examples.labels)}
    return pd.concat([predicted, pd.DataFrame(columns, index=predicted.index)], axis=1)


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
    frames: Sequence[Path] = (),
) -> None:
    """Fit a model on all good songs, and save it with everything that is needed to use it on new files.

    Parameters
    ----------
    model : dict
        The model file's content.
    preset : dict
        The resolved preset of the features.
    feature_tables : list of Path
        Parquet tables of the preset, of all shards.
    splits_csv : Path
        What `splits.make.make_splits` wrote.
    protocol : str
        The honest protocol, whose groups the inner folds keep whole.
    seed : int
        From the config.
    card : dict
        More facts for bundle.json; labels, columns, model and preset are added.
    folder : Path
        The bundle's folder to write.
    frames : sequence of Path, optional
        Frame files of the preset, of all shards. Only networks need them.

    Raises
    ------
    InputError
        If the features or the model file cannot be used.
    """
    examples = _Examples.read(model, feature_tables, frames, splits_csv, protocol)
    rows = first_repeat(examples.splits)
    X, y = examples.matrix(rows)
    classifier = fit(model, X, y, rows["group"].to_numpy(), seed)
    columns = [] if is_network(model) else list(examples.features.columns)
    facts = {"labels": examples.labels, "columns": columns, "model": model, "preset": preset}
    save_bundle(folder, classifier.pipeline, card | facts)
