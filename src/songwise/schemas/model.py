"""config/models/NAME.yaml: one model, its estimator and its parameters."""

from typing import Annotated, Any, Literal

from pydantic import Field

from songwise.schemas.section import Name, Section, UniqueList, optional

# A model file is data, not code, so it can name these classes only.
Estimator = Literal[
    "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
    "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis",
    "sklearn.dummy.DummyClassifier",
    "sklearn.ensemble.AdaBoostClassifier",
    "sklearn.ensemble.BaggingClassifier",
    "sklearn.ensemble.ExtraTreesClassifier",
    "sklearn.ensemble.GradientBoostingClassifier",
    "sklearn.ensemble.HistGradientBoostingClassifier",
    "sklearn.ensemble.RandomForestClassifier",
    "sklearn.ensemble.StackingClassifier",
    "sklearn.ensemble.VotingClassifier",
    "sklearn.linear_model.LogisticRegression",
    "sklearn.naive_bayes.GaussianNB",
    "sklearn.neighbors.KNeighborsClassifier",
    "sklearn.neural_network.MLPClassifier",
    "sklearn.svm.LinearSVC",
    "sklearn.svm.SVC",
    "sklearn.tree.DecisionTreeClassifier",
    "songwise.models.deep.estimator.DeepClassifier",
    "songwise.models.fusion.Fusion",
    "songwise.models.pooled_lda.PooledLDA",
    "xgboost.XGBClassifier",
]


class Reduce(Section):
    """A smaller number of columns, fitted inside the fold."""

    pca: Annotated[float, Field(gt=0, lt=1)] | Annotated[int, Field(ge=1)] = optional(
        "a share of the variance below 1, or a number of components"
    )


class Model(Section):
    """A model: an estimator, its parameters, and the presets that it runs on."""

    name: Name = Field(description="letters, digits, - and _, as the file")
    title: str = optional("what the model is, in words. Nothing is trained again when it changes")
    estimator: Estimator = Field(
        description="import path of a class of scikit-learn, XGBoost or songwise, from a fixed list"
    )
    features: UniqueList[str] = Field(
        min_length=1,
        description="presets of `features/`; one row of the leaderboard for each. `MODEL@PRESET` asks for any other",
    )
    scale: Literal["standard", "none"] = Field(
        "none", description="`standard`: zero mean and unit variance over the training clips"
    )
    reduce: Reduce = Field(
        default_factory=Reduce,
        description="`{pca: 0.97}`: principal components with that share of the variance; `{pca: 100}`: that many, or "
        "as many as the training clips allow",
    )
    parameters: dict[str, Any] = Field(
        {}, description="those of the estimator, as scikit-learn, XGBoost and `DeepClassifier` document them"
    )
    search: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(
        {}, description="a grid over parameters; the one with the best accuracy on inner folds is used"
    )
    calibrate: bool = Field(
        False,
        description="probabilities by Platt scaling on inner folds; needed if an estimator has none of its own (SVC, "
        "LinearSVC)",
    )
    early_stopping: int | None = Field(
        None,
        ge=1,
        description="inner folds find the number of rounds (XGBoost, HistGradientBoosting) or epochs (MLP) with the "
        "lowest log-loss, and stop when this many rounds have brought no improvement. The model is then trained on all "
        "training clips for the median of the folds' rounds. With `search` as well, the search comes first, at the "
        "full number. A network (DeepClassifier) holds out one inner fold of five, keeps its best epoch, and is not "
        "trained again",
    )
    weights: Literal["balanced", "none"] = Field(
        "none",
        description="`balanced`: each class has the same weight, however many clips it has. It uses the "
        "estimator's `class_weight`, or weights of clips; KNN, LDA and QDA support neither",
    )
    most_clips: int | None = Field(
        None,
        ge=100,
        description="a fit uses at most this many training clips; of more, every track gives one before any gives a "
        "second one. Without it, a fit uses as many as 2 GiB hold: 53,900 for the 4,979 columns of `all`",
    )
    members: UniqueList[str] = Field(
        [],
        description="models that a VotingClassifier, StackingClassifier or Fusion combines: `MODEL`, or `MODEL@PRESET`",
    )
    final: str | None = Field(
        None,
        description="the model that a StackingClassifier fits to its members' predictions, for songs that the "
        "members were not fitted to",
    )
