"""The data of a study of the best model, read once: features, folds, songs, and units of the bootstrap."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from songwise.evaluation.votes import Units, read_units
from songwise.features.matrix import tables_of
from songwise.files import read_rows
from songwise.models.cross_validation import read_inputs, select_inputs
from songwise.paths import Run, run_of
from songwise.splits.table import Round, divide_rounds, first_repeat, read_songs, read_splits


@dataclass(frozen=True)
class Data:
    """A model's features, and the folds of the honest protocol's first repeat.

    Attributes
    ----------
    run : Run
        The model; in a study of the best one, the first row of the leaderboard.
    features : DataFrame of float, shape (clips, columns), or ClipFrames
        Features of the run's preset, indexed by clip_id; frames if the run is a network.
    rounds : list of Round
        One per fold; the tables have the column `song` as well.
    units : Units
        Votes and groups of the songs.
    labels : list of str
        Classes of the data set, sorted.
    """

    run: Run
    features: Any
    rounds: list[Round]
    units: Units
    labels: list[str]

    @property
    def columns(self) -> list[str]:
        """The columns of the features; none if they are frames."""
        return list(getattr(self.features, "columns", []))

    def numbers(self, rows: pd.DataFrame) -> Any:
        """Return the features of clips.

        Parameters
        ----------
        rows : DataFrame
            One row per clip, with the column clip_id.

        Returns
        -------
        ndarray of float, shape (clips, columns), or ClipFrames
            In the order of `rows`.
        """
        return select_inputs(self.features, rows)

    def codes(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the position of each clip's label among `labels`, as int of shape (clips,)."""
        return np.searchsorted(self.labels, rows["label"].to_numpy(dtype=str))


def read_data(*, leaderboard: Path, **sources: Any) -> Data:
    """Read the data of a study of the best model.

    Parameters
    ----------
    leaderboard : Path
        Table of `evaluate_models`, best model first.
    **sources
        Arguments of `read_run`.

    Returns
    -------
    Data
        Only the best model's preset is read.
    """
    return read_run(run_of(read_rows(leaderboard)[0]), **sources)


def read_run(
    run: Run,
    *,
    feature_tables: list[Path],
    frames: list[Path],
    models: dict[str, dict],
    splits_csv: Path,
    tracks_csv: Path,
    duplicates_csv: Path,
    parts: dict[str, list[str]],
    protocol: str,
) -> Data:
    """Read the data of a study of any model.

    Parameters
    ----------
    run : Run
        The model.
    feature_tables : list of Path
        Feature tables of all presets and shards.
    frames : list of Path
        Frame files of all presets that have any, and of all shards.
    models : dict of str to dict
        MODEL@PRESET to the model's content (`Plan.model_of`).
    splits_csv, tracks_csv, duplicates_csv : Path
        Tables of `make_splits` and `gather`.
    parts : dict of str to list of str
        Per preset the presets that have its tables (`Plan.parts`).
    protocol : str
        The honest one.

    Returns
    -------
    Data
        Only the preset of this model is read.
    """
    splits = read_splits(splits_csv, protocol)
    splits["song"] = splits["track_id"].map(read_songs(tracks_csv))
    rounds = divide_rounds(first_repeat(splits))
    return Data(
        run=run,
        features=read_inputs(
            models[str(run)], tables_of(feature_tables, parts[run.preset]), tables_of(frames, [run.preset])
        ),
        rounds=rounds,
        units=read_units(
            tracks_csv=tracks_csv, duplicates_csv=duplicates_csv, splits_csv=splits_csv, protocol=protocol
        ),
        labels=sorted(set().union(*(side["label"] for one in rounds for side in (one.train, one.test)))),
    )
