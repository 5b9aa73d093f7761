"""Studies of the best model on songs never heard: how it learns from more songs, and which features it needs.

Both use the fits of the honest protocol's first repeat, made once more with the leaderboard's own seeds.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from songwise.errors import InputError
from songwise.evaluation.bootstrap import bootstrap_draws, interval
from songwise.evaluation.confusion import Confusions
from songwise.evaluation.metrics import accuracy
from songwise.evaluation.predictions import DECIMALS
from songwise.evaluation.verdicts import song_verdicts
from songwise.evaluation.votes import Units
from songwise.files import write_json, write_rows
from songwise.models.cross_validation import fold_seed
from songwise.models.fit import Classifier, fit
from songwise.models.sample import training_sample
from songwise.runtime.progress import Progress
from songwise.studies.data import Data
from songwise.studies.importance import IMPORTANCE_COLUMNS, SWAPS, families_of, swap_families
from songwise.studies.learning_curve import LEARNING_CURVE_COLUMNS, nearest_to_half, thinned


class _Predictions(NamedTuple):
    """What the refitted models predicted for the tested clips, one table per fold or swap.

    Attributes
    ----------
    by_size : songs of the largest class in training to predictions; the last one has all songs.
    n_songs : the same keys to the number of training songs, mean over folds.
    by_family : feature family to predictions with that family's numbers swapped.
    """

    by_size: dict[int, list[pd.DataFrame]]
    n_songs: dict[int, float]
    by_family: dict[str, list[pd.DataFrame]]


def study_best(data: Data, *, models: dict[str, dict], presets: dict[str, dict], seed: int, folder: Path) -> None:
    """Study the first model of the leaderboard.

    Writes into `folder` learning_curve.csv, importance.csv and study.json: the run, the number of swaps, as `whole` the
    curve's last row, and as `rise` the gain from doubling the training songs, null if no class can be thinned.

    Parameters
    ----------
    data : Data
        From `read_data`.
    models : dict of str to dict
        MODEL@PRESET to the model's content (`Plan.model_of`).
    presets : dict of str to dict
        Name to content, resolved.
    seed : int
        Seed from config.
    folder : Path
        Folder results/DATASET.
    """
    # A network is trained on frames, which have no columns to swap.
    families = families_of(presets[data.run.preset], data.columns)
    predictions = _predict(data, models[str(data.run)], families, seed)
    score = _Score(data.units, data.labels, seed)
    scores = {size: score.of(tables) for size, tables in predictions.by_size.items()}
    curve = [
        {"songs_per_class": size, "n_train_songs": round(predictions.n_songs[size], 1)}
        | _figures("song_accuracy", values)
        for size, values in scores.items()
    ]
    whole = scores[max(scores)]
    falls = [
        {"family": family, "columns": len(columns)} | _figures("fall", whole - score.of(predictions.by_family[family]))
        for family, columns in families.items()
    ]
    falls.sort(key=lambda row: (-row["fall"], row["family"]))
    half = nearest_to_half(curve)
    rise = None if half is None else curve[half] | _figures("rise", whole - scores[curve[half]["songs_per_class"]])
    write_rows(folder / "learning_curve.csv", LEARNING_CURVE_COLUMNS, curve)
    write_rows(folder / "importance.csv", IMPORTANCE_COLUMNS, falls)
    write_json(folder / "study.json", {"run": str(data.run), "swaps": SWAPS, "rise": rise, "whole": curve[-1]})


def _predict(data: Data, model: dict, families: dict[str, list[int]], seed: int) -> _Predictions:
    steps = thinned([fold.train for fold in data.rounds], seed)
    n_songs = {size: float(np.mean([side["song"].nunique() for side in sides])) for size, sides in steps.items()}
    predictions = _Predictions({size: [] for size in steps}, n_songs, {family: [] for family in families})
    progress = Progress(f"study {data.run}", len(data.rounds), "folds")
    for number, (_, fold, _, _, test) in enumerate(data.rounds):
        X = data.numbers(test)
        for size in list(predictions.by_size):
            try:
                classifier = _fit(data, model, steps[size][number], fold_seed(seed, 0, fold))
                predictions.by_size[size].append(_predicted(data, classifier, X, test))
            except (ValueError, InputError) as error:
                if size == max(steps):
                    raise
                print(f"learning curve: {size} songs per class are too few for {data.run}: {error}")
                del predictions.by_size[size]
        # The last classifier was fitted on the whole training set.
        rng = np.random.default_rng([seed, fold])
        for swap, family, changed in swap_families(X, test["song"].to_numpy(), families, rng):
            predictions.by_family[family].append(_predicted(data, classifier, changed, test, repeat=swap))
        progress.step()
    return predictions


def _fit(data: Data, model: dict, every: pd.DataFrame, seed: int) -> Classifier:
    train = training_sample(model, every, len(data.columns), seed)
    return fit(model, data.numbers(train), data.codes(train), train["group"].to_numpy(), seed)


def _predicted(data: Data, classifier: Classifier, X: np.ndarray, rows: pd.DataFrame, repeat: int = 0) -> pd.DataFrame:
    """Return the columns that `song_verdicts` needs, for the clips `rows` with the features X (clips, columns)."""
    probabilities = np.round(classifier.probabilities(X, len(data.labels)), DECIMALS)
    table = pd.DataFrame(probabilities, columns=[f"p_{label}" for label in data.labels])
    return table.assign(repeat=repeat, song=rows["song"].to_numpy(), label=rows["label"].to_numpy())


class _Score:
    """Song accuracy of predictions for the same tested songs, as measured and in every bootstrap draw."""

    def __init__(self, units: Units, labels: list[str], seed: int):
        self._units, self._labels = units, labels
        n_groups = len(units.groups)
        self._draws = np.vstack([np.ones((1, n_groups), np.int16), bootstrap_draws(n_groups, seed)])

    def of(self, predictions: list[pd.DataFrame]) -> np.ndarray:
        """Return the accuracies, shape (1 + draws,), the measured one first; the mean over repeats."""
        songs = song_verdicts(pd.concat(predictions, ignore_index=True))
        return accuracy(Confusions(songs, self._units, self._labels).resampled(self._draws))


def _figures(name: str, values: np.ndarray) -> dict[str, float]:
    low, high = interval(values[1:])
    return {name: round(float(values[0]), 4), "low": round(low, 4), "high": round(high, 4)}
