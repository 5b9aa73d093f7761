"""Studies of the best model on songs never heard: how it learns from more songs, and which features it leans on.

Both rest on the fits of the honest protocol's first repeat, made once more with the leaderboard's own seeds.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from songwise.errors import InputError
from songwise.evaluation.bootstrap import bootstrap_draws, interval
from songwise.evaluation.metrics import Confusions, accuracy
from songwise.evaluation.verdicts import song_verdicts
from songwise.evaluation.votes import Units, read_units
from songwise.features.matrix import read_features
from songwise.files import read_rows, write_json, write_rows
from songwise.models.cross_validation import fold_seed
from songwise.models.fit import Classifier, fit
from songwise.runtime.progress import Progress
from songwise.splits.table import read_rounds
from songwise.studies import importance, learning_curve

_SWAPS = 5  # how often songs swap a family's numbers
_DECIMALS = 6  # of a probability, as in predictions.csv


class Side(NamedTuple):
    """One fold: rows of splits.csv with their songs, a clip each, to fit and to test on."""

    fold: int
    train: pd.DataFrame
    test: pd.DataFrame


@dataclass(frozen=True)
class Subject:
    """The model to study.

    Attributes
    ----------
    run : MODEL@PRESET.
    model : its file's content.
    features : indexed by clip_id.
    families : name to the positions of its columns.
    labels : of the data set, sorted.
    seed : from config.
    """

    run: str
    model: dict
    features: pd.DataFrame
    families: dict[str, list[int]]
    labels: list[str]
    seed: int

    def numbers(self, rows: pd.DataFrame) -> np.ndarray:
        """Shape (clips, columns)."""
        return self.features.loc[rows["clip_id"]].to_numpy(dtype=np.float64)

    def fit(self, rows: pd.DataFrame, fold: int) -> Classifier:
        """Fitted as the leaderboard's model of this fold is."""
        y = np.searchsorted(self.labels, rows["label"].to_numpy(dtype=str))
        return fit(self.model, self.numbers(rows), y, rows["group"].to_numpy(), fold_seed(self.seed, 0, fold))

    def predictions(self, classifier: Classifier, X: np.ndarray, rows: pd.DataFrame, repeat: int = 0) -> pd.DataFrame:
        """What `song_verdicts` wants of the clips `rows` with the numbers X, shape (clips, columns)."""
        probabilities = np.round(classifier.probabilities(X, len(self.labels)), _DECIMALS)
        found = pd.DataFrame(probabilities, columns=[f"p_{label}" for label in self.labels])
        return found.assign(repeat=repeat, song=rows["song"].to_numpy(), label=rows["label"].to_numpy())


def study_best(
    *,
    models: dict[str, dict],
    presets: dict[str, dict],
    leaderboard: Path,
    feature_tables: list[Path],
    splits_csv: Path,
    tracks_csv: Path,
    duplicates_csv: Path,
    protocol: str,
    seed: int,
    folder: Path,
) -> None:
    """Study the first model of the leaderboard.

    Writes into `folder`: learning_curve.csv (learning_curve.COLUMNS; n_train_songs is a mean over folds) and
    importance.csv (importance.COLUMNS), both drawn as PNG, and study.json: the run, the number of swaps, as `whole` the
    curve's last row, and as `rise` what about doubling the training songs added, null where no class can be thinned.

    Parameters
    ----------
    models : MODEL@PRESET to what it is fitted by (`Plan.model_of`).
    presets : name to content, resolved.
    leaderboard : leaderboard.csv, the best model first.
    feature_tables : of all presets and shards, PRESET/KEY/SHARD.parquet.
    splits_csv, tracks_csv, duplicates_csv : what `make_splits` and `census.gather` wrote.
    protocol : the honest one.
    seed : from config.
    folder : results/DATASET.
    """
    best = read_rows(leaderboard)[0]
    sides = _sides(splits_csv, tracks_csv, protocol)
    features = read_features([path for path in feature_tables if path.parts[-3] == best["features"]])
    run = f"{best['model']}@{best['features']}"
    subject = Subject(
        run=run,
        model=models[run],
        features=features,
        families=importance.families_of(presets[best["features"]], list(features.columns)),
        labels=sorted(set().union(*(rows["label"] for side in sides for rows in (side.train, side.test)))),
        seed=seed,
    )
    learnt, n_songs, swapped = _predict(subject, sides)
    units = read_units(tracks_csv=tracks_csv, duplicates_csv=duplicates_csv, splits_csv=splits_csv, protocol=protocol)
    score = _Score(units, subject.labels, seed)
    scores = {size: score.of(predictions) for size, predictions in learnt.items()}
    curve = [
        {"songs_per_class": size, "n_train_songs": round(n_songs[size], 1)} | _figures("song_accuracy", scores[size])
        for size in learnt
    ]
    whole = scores[max(scores)]
    falls = [
        {"family": family, "columns": len(columns)} | _figures("fall", whole - score.of(swapped[family]))
        for family, columns in subject.families.items()
    ]
    falls.sort(key=lambda row: (-row["fall"], row["family"]))
    half = learning_curve.nearest_to_half(curve)
    rise = None if half is None else curve[half] | _figures("rise", whole - scores[curve[half]["songs_per_class"]])
    write_rows(folder / "learning_curve.csv", learning_curve.COLUMNS, curve)
    write_rows(folder / "importance.csv", importance.COLUMNS, falls)
    learning_curve.plot_curve(folder / "learning_curve.png", curve, f"{subject.run}, songs never heard")
    importance.plot_importance(folder / "importance.png", falls, f"{subject.run}, songs never heard")
    write_json(folder / "study.json", {"run": subject.run, "swaps": _SWAPS, "rise": rise, "whole": curve[-1]})


def _sides(splits_csv: Path, tracks_csv: Path, protocol: str) -> list[Side]:
    song_of = {row["track_id"]: row["song"] for row in read_rows(tracks_csv)}
    return [
        Side(this.fold, *(rows.assign(song=rows["track_id"].map(song_of)) for rows in (this.train, this.test)))
        for this in read_rounds(splits_csv, protocol)
        if this.repeat == 0
    ]


def _predict(subject: Subject, sides: list[Side]) -> tuple[dict, dict, dict]:
    """Predictions by the largest class's songs in training, how many songs that is in all, predictions by family."""
    steps = learning_curve.thinned([side.train for side in sides], subject.seed)
    n_songs = {size: float(np.mean([side["song"].nunique() for side in kept])) for size, kept in steps.items()}
    learnt: dict[int, list[pd.DataFrame]] = {size: [] for size in steps}
    swapped: dict[str, list[pd.DataFrame]] = {family: [] for family in subject.families}
    progress = Progress(f"study {subject.run}", len(sides), "folds")
    for number, (fold, _, test) in enumerate(sides):
        X = subject.numbers(test)
        for size in list(learnt):
            try:
                classifier = subject.fit(steps[size][number], fold)
                predictions = subject.predictions(classifier, X, test)
            except (ValueError, InputError) as error:
                if size == max(steps):
                    raise
                print(f"learning curve: {size} songs a class are too few for {subject.run}: {error}")
                del learnt[size]
                continue
            learnt[size].append(predictions)
        # The last of these fits had the whole side.
        rng = np.random.default_rng([subject.seed, fold])
        for swap in range(_SWAPS):
            lenders = importance.swapped(test["song"].to_numpy(), rng)
            for family, columns in subject.families.items():
                changed = X.copy()
                changed[:, columns] = X[np.ix_(lenders, columns)]
                swapped[family].append(subject.predictions(classifier, changed, test, repeat=swap))
        progress.step()
    return learnt, n_songs, swapped


class _Score:
    """Song accuracy of predictions for the same tested songs, as measured and in every bootstrap draw."""

    def __init__(self, units: Units, labels: list[str], seed: int):
        self._units, self._labels = units, labels
        n_groups = len(units.groups)
        self._draws = np.vstack([np.ones((1, n_groups), int), bootstrap_draws(n_groups, seed)])

    def of(self, predictions: list[pd.DataFrame]) -> np.ndarray:
        """Shape (1 + draws,), the measured one first; of several repeats the mean."""
        songs = song_verdicts(pd.concat(predictions, ignore_index=True))
        return accuracy(Confusions(songs, self._units, self._labels).resampled(self._draws))


def _figures(name: str, values: np.ndarray) -> dict[str, float]:
    low, high = interval(values[1:])
    return {name: round(float(values[0]), 4), "low": round(low, 4), "high": round(high, 4)}
