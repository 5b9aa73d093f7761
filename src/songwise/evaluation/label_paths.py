"""Labels with a path, such as Rock/Punk: predictions at each level of the path."""

import pandas as pd

from songwise.evaluation.predictions import DECIMALS, labels_of


def depth(labels: list[str]) -> int:
    """Return the number of parts of the longest path."""
    return max(len(label.split("/")) for label in labels)


def cut(label: str, level: int) -> str:
    """Return the first `level` parts of a label's path, or the whole label if it has fewer."""
    return "/".join(label.split("/")[:level])


def at_level(predictions: pd.DataFrame, level: int) -> pd.DataFrame:
    """Return predictions with labels cut after `level` parts, and the probabilities of equal labels summed.

    Parameters
    ----------
    predictions : DataFrame
        One row per clip and repeat, with the columns label, predicted and p_LABEL.
    level : int
        Number of parts to keep, 1 or more.

    Returns
    -------
    DataFrame
        The same columns. The prediction is the most probable label of the level, which can differ from the first part
        of the most probable path.
    """
    labels = labels_of(predictions)
    probabilities = predictions[[f"p_{label}" for label in labels]]
    # Rounded as in the table, so that the order of the sum does not break a tie.
    summed = probabilities.T.groupby([f"p_{cut(label, level)}" for label in labels]).sum().T.round(DECIMALS)
    others = predictions.drop(columns=list(probabilities.columns))
    names = {label: cut(label, level) for label in labels}
    predicted = summed.idxmax(axis=1).str.removeprefix("p_")
    return pd.concat([others.assign(label=others["label"].map(names), predicted=predicted), summed], axis=1)
