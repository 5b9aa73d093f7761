"""Labels with a path, such as Rock/Punk: what the predictions say at each level of it."""

import pandas as pd

from songwise.evaluation.verdicts import labels_of

_DECIMALS = 6  # as models round probabilities, so that sums in another order tie all the same


def depth(labels: list[str]) -> int:
    """The number of parts of the longest path."""
    return max(len(label.split("/")) for label in labels)


def cut(label: str, level: int) -> str:
    """The first `level` parts of a label's path; a shorter one is itself."""
    return "/".join(label.split("/")[:level])


def at_level(predictions: pd.DataFrame, level: int) -> pd.DataFrame:
    """Predictions with labels cut after `level` parts: the probabilities of what becomes one are summed.

    Parameters
    ----------
    predictions : with label, predicted and p_LABEL columns, one row a clip.
    level : 1 for the first part.

    Returns
    -------
    The same columns; a clip is predicted as the most probable label of the level, which need not be the first part of
    the most probable path.
    """
    labels = labels_of(predictions)
    shares = predictions[[f"p_{label}" for label in labels]]
    summed = shares.T.groupby([f"p_{cut(label, level)}" for label in labels]).sum().T.round(_DECIMALS)
    others = predictions.drop(columns=list(shares.columns))
    names = {label: cut(label, level) for label in labels}
    predicted = summed.idxmax(axis=1).str.removeprefix("p_")
    return pd.concat([others.assign(label=others["label"].map(names), predicted=predicted), summed], axis=1)
