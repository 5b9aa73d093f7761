"""Stage 5, models: predictions for songs that a model was not trained on, and a model fitted on all songs.

Everything that learns from data happens inside the outer fold, in `models.fit`.
"""

import sys
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
from songwise.models.pipeline import build
from songwise.models.sample import training_sample
from songwise.models.trained_networks import import_deep, is_network
from songwise.runtime.progress import Progress
from songwise.splits.table import divide_rounds, first_repeat, read_songs, read_splits

CURVE_COLUMNS = ("repeat", "fold", "epoch", "training_loss", "held_out_loss", "held_out_accuracy")
_TOGETHER = 1 << 24  # numbers that are selected, or whose clips are predicted, at a time
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
class Examples:
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
        """Read the examples of a protocol.

        Parameters
        ----------
        model : dict
            The model file's content.
        feature_tables : list of Path
            Parquet tables of one preset, or of those that are joined, of all shards.
        frames : sequence of Path
            Frame files of the preset, of all shards, for a network.
        splits_csv : Path
            What `splits.make.make_splits` wrote.
        protocol : str
            Name of the protocol.

        Returns
        -------
        Self
            With all good clips.
        """
        splits = read_splits(splits_csv, protocol)
        return cls(read_inputs(model, feature_tables, frames), splits, sorted(splits["label"].unique()))

    def matrix(self, rows: pd.DataFrame) -> tuple[Any, np.ndarray]:
        """Return X, float64, shape (clips, columns), or ClipFrames, and y, int, shape (clips,), of some rows."""
        y = np.searchsorted(self.labels, rows["label"].to_numpy(dtype=str))
        return select_inputs(self.features, rows), y

    @property
    def n_columns(self) -> int:
        """The number of columns of the features; 0 for frames."""
        return self.features.shape[1] if isinstance(self.features, pd.DataFrame) else 0

    def probabilities(self, classifier: Classifier, rows: pd.DataFrame) -> np.ndarray:
        """Return the probability of each label for the clips of some rows, shape (clips, labels)."""
        together = max(1, _TOGETHER // self.n_columns) if self.n_columns else len(rows)
        blocks = [rows[start : start + together] for start in range(0, len(rows), together)]
        return np.concatenate([classifier.probabilities(self.matrix(each)[0], len(self.labels)) for each in blocks])

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


def read_inputs(model: dict, feature_tables: list[Path], frames: Sequence[Path]) -> Any:
    """Read what a model is fitted on.

    Parameters
    ----------
    model : dict
        The model file's content.
    feature_tables : list of Path
        Parquet tables of one preset, or of those that are joined, of all shards.
    frames : sequence of Path
        Frame files of the preset, of all shards, for a network.

    Returns
    -------
    DataFrame, shape (clips, columns), or ClipFrames
        Indexed by clip_id; frames for a network.
    """
    if not is_network(model):
        return read_features(feature_tables)
    return import_deep("clip_frames").ClipFrames.read(frames, build(model, seed=0).family)


def select_inputs(features: Any, rows: pd.DataFrame) -> Any:
    """Return what a model is fitted on for some clips.

    Parameters
    ----------
    features : DataFrame, shape (clips, columns), or ClipFrames
        From `read_inputs`.
    rows : DataFrame
        One row per clip, with the column clip_id.

    Returns
    -------
    ndarray of float64, shape (clips, columns), or ClipFrames
        In the order of `rows`.
    """
    if not isinstance(features, pd.DataFrame):
        return features.of(rows["clip_id"].to_numpy(dtype=str))
    places = features.index.get_indexer(rows["clip_id"])
    if (places < 0).any():
        raise KeyError(rows["clip_id"].to_numpy()[places < 0][0])
    # Some columns at a time, so that nothing but the result is in memory twice.
    numbers, together = features.to_numpy().T, max(1, _TOGETHER // max(len(places), 1))
    selected = np.empty((len(numbers), len(places)))
    for start in range(0, len(numbers), together):
        selected[start : start + together] = numbers[start : start + together, places]
    return selected.T


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
    fits.parquet (repeat, fold, role, clip_id: the clips of each fit) and fit.json (fit_seconds; fit_share, the smallest
    share of the training clips that a fit used; constant_columns, with the number of fits that dropped each). For a
    network also curves.csv (CURVE_COLUMNS), one row per epoch.

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
    examples = Examples.read(model, feature_tables, frames, splits_csv, protocol)
    song_of = read_songs(tracks_csv)
    rounds = divide_rounds(examples.splits)
    progress = Progress(f"train {model['name']} {protocol}", len(rounds), "folds")
    predictions, fits, curves, seconds, share, constant = [], [], [], 0.0, 1.0, Counter()
    for repeat, fold, every, valid, test in rounds:
        own_seed = fold_seed(seed, repeat, fold)
        train = training_sample(model, every, examples.n_columns, own_seed)
        if len(train) < len(every) and not fits:
            told = f"{model['name']}: {len(train):,} of {len(every):,} training clips per fit (most_clips)"
            sys.stderr.write(f"{told}\n")
        share = min(share, len(train) / len(every))
        X, y = examples.matrix(train)
        constant.update(examples.constant_columns(X, feature_tables[0].parent))
        chosen_on = training_sample(model, valid, examples.n_columns, own_seed)
        to_choose_on = examples.matrix(chosen_on) if len(valid) else None
        start = time.perf_counter()
        classifier = fit(model, X, y, train["group"].to_numpy(), own_seed, to_choose_on)
        seconds += time.perf_counter() - start
        curves += [{"repeat": repeat, "fold": fold} | row for row in getattr(classifier.pipeline, "curve_", [])]
        del X, to_choose_on
        probabilities = examples.probabilities(classifier, test)
        predictions.append(predicted_table(test, song_of, probabilities, examples.labels))
        fits.append(clips_of(repeat, fold, train=train, valid=valid, test=test))
        progress.step()
    facts = {"fit_seconds": round(seconds, 3), "fit_share": round(share, 4), "constant_columns": dict(constant)}
    write_predictions(pd.concat(predictions), pd.concat(fits), facts, folder)
    if is_network(model):
        write_rows(folder / "curves.csv", CURVE_COLUMNS, curves)


def predicted_table(
    rows: pd.DataFrame, song_of: dict[str, str], probabilities: np.ndarray, labels: list[str]
) -> pd.DataFrame:
    """Return the predictions for some clips in the form of predictions.csv.

    Parameters
    ----------
    rows : DataFrame
        The clips' rows of splits.csv.
    song_of : dict of str to str
        track_id to song.
    probabilities : ndarray of float, shape (clips, labels)
        Per clip and label.
    labels : list of str
        In the order of the columns.

    Returns
    -------
    DataFrame
        With repeat, fold, clip_id, track_id, song, label, predicted, p_LABEL...
    """
    # Rounded before the verdict, so that the file and the verdict never disagree.
    probabilities = np.round(probabilities, _DECIMALS)
    predicted = rows.assign(song=rows["track_id"].map(song_of))[
        ["repeat", "fold", "clip_id", "track_id", "song", "label"]
    ]
    predicted["predicted"] = np.array(labels)[probabilities.argmax(axis=1)]
    columns = {f"p_{label}": probabilities[:, index] for index, label in enumerate(labels)}
    return pd.concat([predicted, pd.DataFrame(columns, index=predicted.index)], axis=1)


def clips_of(repeat: int, fold: int, **sides: pd.DataFrame) -> pd.DataFrame:
    """Return the clips of one fit in the form of fits.parquet.

    Parameters
    ----------
    repeat, fold : int
        Numbers of the fit.
    **sides : DataFrame
        Per role (train, valid, test) the clips' rows of splits.csv.

    Returns
    -------
    DataFrame
        With repeat, fold, role, clip_id.
    """
    tables = [
        pd.DataFrame({"repeat": repeat, "fold": fold, "role": role, "clip_id": rows["clip_id"]})
        for role, rows in sides.items()
    ]
    return pd.concat(tables)


def write_predictions(predictions: pd.DataFrame, fits: pd.DataFrame, facts: dict, folder: Path) -> None:
    """Write predictions.csv, fits.parquet and fit.json of one model and protocol.

    Parameters
    ----------
    predictions : DataFrame
        Of all folds (`predicted_table`).
    fits : DataFrame
        Of all folds (`clips_of`).
    facts : dict
        For fit.json: fit_seconds, fit_share, constant_columns.
    folder : Path
        `paths.protocol_folder` of the run.
    """
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
    examples = Examples.read(model, feature_tables, frames, splits_csv, protocol)
    rows = training_sample(model, first_repeat(examples.splits), examples.n_columns, seed)
    X, y = examples.matrix(rows)
    classifier = fit(model, X, y, rows["group"].to_numpy(), seed)
    columns = [] if is_network(model) else list(examples.features.columns)
    facts = {"labels": examples.labels, "columns": columns, "model": model, "preset": preset}
    save_bundle(folder, classifier.pipeline, card | facts)
