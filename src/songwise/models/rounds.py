"""Estimators that learn in rounds and can therefore stop early, by name, without importing them.

To let another estimator stop early, add it here and add the function that tracks its loss to `models.early_stopping`.

Light (no scikit-learn): this module is imported at every start of Snakemake.
"""

from typing import NamedTuple


class Rounds(NamedTuple):
    """How to stop an estimator early.

    Attributes
    ----------
    parameter : str
        The estimator's parameter that sets the number of rounds.
    losses : str
        Function in `models.early_stopping` that returns the loss after each round.
    """

    parameter: str
    losses: str


ROUNDS = {
    "sklearn.ensemble.HistGradientBoostingClassifier": Rounds("max_iter", "track_hist_gradient_boosting"),
    "sklearn.neural_network.MLPClassifier": Rounds("max_iter", "track_epochs"),
    "xgboost.XGBClassifier": Rounds("n_estimators", "track_xgboost"),
}
