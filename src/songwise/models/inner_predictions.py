"""Predictions for the training clips of every fold by fits on inner folds, from which a fusion learns its weights."""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from songwise.files import replacing
from songwise.models.cross_validation import Examples, fold_seed
from songwise.models.fit import predict_held_out
from songwise.models.sample import training_sample
from songwise.runtime.progress import Progress
from songwise.splits.table import divide_rounds


def predict_inner(
    model: dict, *, feature_tables: list[Path], splits_csv: Path, protocol: str, seed: int, table: Path
) -> None:
    """Predict the training clips of every fold by fits on inner folds, which keep groups whole.

    Writes a Parquet table: repeat, fold, clip_id, p_LABEL... It has the clips that the model is fitted on
    (`sample.training_sample`). A label that is missing in training has the probability 0.

    Parameters
    ----------
    model : dict
        The model file's content.
    feature_tables : list of Path
        Parquet tables of one preset, of all shards.
    splits_csv : Path
        What `splits.make.make_splits` wrote.
    protocol : str
        Name of the protocol.
    seed : int
        From the config.
    table : Path
        The table to write.

    Raises
    ------
    InputError
        If the features or the model file cannot be used, or a class has too few groups for inner folds.
    """
    examples = Examples.read(model, feature_tables, (), splits_csv, protocol)
    rounds = divide_rounds(examples.splits)
    progress = Progress(f"inner folds {model['name']} {protocol}", len(rounds), "folds")
    tables, start = [], time.perf_counter()
    for repeat, fold, every, every_valid, _ in rounds:
        own_seed = fold_seed(seed, repeat, fold)
        train, valid = (training_sample(model, side, examples.n_columns, own_seed) for side in (every, every_valid))
        X, y = examples.matrix(train)
        to_choose_on = examples.matrix(valid) if len(valid) else None
        held_out, classes = predict_held_out(model, X, y, train["group"].to_numpy(), own_seed, to_choose_on)
        probabilities = np.zeros((len(train), len(examples.labels)))
        probabilities[:, classes] = held_out
        columns = {f"p_{label}": probabilities[:, index] for index, label in enumerate(examples.labels)}
        tables.append(pd.DataFrame({"repeat": repeat, "fold": fold, "clip_id": train["clip_id"].to_numpy(), **columns}))
        progress.step()
    with replacing(table) as temporary:
        pd.concat(tables).to_parquet(temporary, index=False)
    print(f"{time.perf_counter() - start:.3f} s of inner fits")
