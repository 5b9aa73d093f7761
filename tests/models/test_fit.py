"""A fit makes every choice on songs that it was not trained on."""

import numpy as np
import pytest
from helpers.project import ROOT
from helpers.tables import songs
from sklearn.ensemble import AdaBoostClassifier
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neural_network import MLPClassifier

from songwise.errors import InputError
from songwise.models import early_stopping
from songwise.models import fit as fitting
from songwise.models.bundle import load_bundle, save_bundle
from songwise.models.files import load_model
from songwise.models.fit import fit
from songwise.models.pipeline import build
from songwise.models.rounds import ROUNDS
from songwise.plan.plan import load_plan

MODELS = load_plan({"dataset": "demo", "models": "classical"}, ROOT).models
SEED = 1
# Smaller and quicker; the same in all that matters here.
QUICK = {
    "max_iter": 5,
    "n_estimators": 5,
    "hidden_layer_sizes": [8],
    "batch_size": 32,
}


def quick(model: dict) -> dict:
    members = {name: quick(member) for name, member in model["members"].items()}
    parameters = {key: QUICK.get(key, value) for key, value in model["parameters"].items()}
    if model["estimator"].endswith("LogisticRegression"):
        parameters["max_iter"] = 200
    reduce = {"pca": 3} if model["reduce"] else {}
    return model | {"parameters": parameters, "members": members, "reduce": reduce}


def a_model(name: str, **keys) -> dict:
    return quick(load_model(name, ROOT)) | keys


@pytest.fixture
def follow(monkeypatch):
    """A function that fits a model and gives, for each pipeline fitted on the way, the clips that it learnt from and
    those that it was then asked about, told by a last column with the clip's number.
    """
    found = []

    def numbers(X) -> tuple[int, ...]:
        return tuple(np.rint(X[:, -1]).astype(int)) if X[:, -1].max() > 3 else ()

    class Recorder(VarianceThreshold):
        def fit(self, X, y=None):
            if numbers(X):  # a stack's final model gets no clips, but its members' predictions for them
                self.asked = []
                found.append((numbers(X), self.asked))
            return super().fit(X, y)

        def transform(self, X):
            if numbers(X):
                self.asked.append(numbers(X))
            return super().transform(X)

    def run(model: dict, X, y, groups, valid=None):
        found.clear()
        number = np.arange(4, 4 + len(X) + (len(valid[1]) if valid else 0))  # above any probability
        if valid:
            valid = (np.column_stack([valid[0], number[len(X) :]]), valid[1])
        fit(model, np.column_stack([X, number[: len(X)]]), y, groups, SEED, valid)
        return [
            (np.array(learnt) - 4, [np.array(one) - 4 for one in asked if one != learnt]) for learnt, asked in found
        ]

    monkeypatch.setattr("songwise.models.pipeline.VarianceThreshold", Recorder)
    return run


SEARCHED = {"search": {"C": [1, 10]}, "calibrate": True}
# A model, and how many tables are prepared for its fits on inner folds and on all clips. The candidates of a search and
# its calibration share one per fold, and so do the members of an ensemble that begin with the same steps.
INNER = {
    "search and calibration": (a_model("svm_rbf", **SEARCHED), 3, 1),
    "calibration": (a_model("svm_rbf", search={}), 3, 1),
    "early stopping, XGBoost": (a_model("xgboost", early_stopping=3), 3, 1),
    "early stopping, histograms": (a_model("gradient_boosting", early_stopping=3), 3, 1),
    "early stopping, network": (a_model("mlp", early_stopping=3), 3, 1),
    "search, then early stopping": (a_model("xgboost", early_stopping=3, search={"max_depth": [1, 2]}), 3 + 3, 1),
    "search, early stopping, calibration": (
        a_model("xgboost", early_stopping=3, search={"max_depth": [1, 2]}, calibrate=True),
        3 + 3 + 3,
        1,
    ),
    "voting": (
        a_model("voting", members={"svm": a_model("svm_rbf", **SEARCHED), "knn": a_model("knn")}),
        3,
        1,
    ),
    # The members on all clips; then on each of three inner folds, where they search and calibrate once more.
    "stacking": (
        a_model("stacking", members={"svm": a_model("svm_rbf", **SEARCHED), "knn": a_model("knn")}),
        3 + 3 * (3 + 1),
        1,
    ),
    "stacking, early stopping": (
        a_model("stacking", members={"xgb": a_model("xgboost", early_stopping=3), "knn": a_model("knn")}),
        3 + 3 * (3 + 1),
        1,
    ),
}


@pytest.mark.parametrize("name", INNER)
def test_no_song_is_on_both_sides_of_any_inner_fit(follow, name):
    model, n_inner, n_outer = INNER[name]
    X, y, groups = songs()
    fits = follow(model, X, y, groups)
    whole = set(groups)
    assert [len(learnt) for learnt, _ in fits].count(len(X)) == n_outer
    inner = [(learnt, asked) for learnt, asked in fits if len(learnt) < len(X)]
    assert len(inner) == n_inner
    # What a fit and the clips that judge it make up together: all songs or, of a search within a stack's member, one
    # of the stack's own folds.
    splitter = StratifiedGroupKFold(3, shuffle=True, random_state=SEED)
    frames = [whole] + [set(groups[inside]) for inside, _ in splitter.split(X, y, groups)]
    for learnt, asked in inner:
        known = set(groups[learnt])
        assert all(np.isin(np.flatnonzero(groups == song), learnt).all() for song in known), "a song is torn apart"
        assert asked
        for judged in asked:
            assert not known & set(groups[judged]), "a song that was learnt judges"
            assert known | set(groups[judged]) in frames


def test_a_stack_joins_predictions_for_songs_that_its_members_were_not_fitted_on(monkeypatch):
    """One nearest neighbour recognises every clip of its own songs; with random labels it fails on other songs."""
    X, _, groups = songs(n_songs=60)
    y = np.repeat(np.random.default_rng(5).integers(0, 3, 60), 4)
    seen = {}
    fit_pipeline = fitting.fit_pipeline

    def spy(pipeline, X, *more):
        if isinstance(pipeline[-1], LogisticRegression):
            seen["X"] = X
        return fit_pipeline(pipeline, X, *more)

    monkeypatch.setattr(fitting, "fit_pipeline", spy)
    knn = a_model("knn", parameters={"n_neighbors": 1})
    stack = fit(a_model("stacking", members={"knn": knn}), X, y, groups, SEED)
    assert (stack.pipeline.transform(X).argmax(axis=1) == y).mean() == 1
    assert (seen["X"].argmax(axis=1) == y).mean() < 0.6


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_stack_predicts_from_columns_in_the_order_of_its_fit(n_classes):
    X, y, groups = songs()
    kept = y < n_classes
    model = a_model("stacking", members={name: a_model(name) for name in ("knn", "lda_shrinkage")})
    classifier = fit(model, X[kept], y[kept], groups[kept], SEED)
    found = classifier.probabilities(X[kept], 3)
    assert (found.argmax(axis=1) == y[kept]).mean() > 0.8 and (found[:, n_classes:] == 0).all()


def test_a_member_with_its_own_preset_sees_only_its_columns(tmp_path):
    X, y, groups = songs()
    places = [4, 1]
    vote = a_model("voting", members={"knn@mine": a_model("knn", columns=places)})
    classifier = fit(vote, X, y, groups, SEED)
    alone = fit(a_model("knn"), X[:, places], y, groups, SEED)
    assert np.array_equal(classifier.probabilities(X, 3), alone.probabilities(X[:, places], 3))
    save_bundle(tmp_path / "bundle", classifier.pipeline, {})
    assert np.array_equal(load_bundle(tmp_path / "bundle")[0].predict_proba(X), classifier.probabilities(X, 3))


VALIDATED = {
    "search": (a_model("knn", search={"n_neighbors": [1, 5]}), 1),
    "early stopping": (a_model("xgboost", early_stopping=3), 1),
    "early stopping, network": (a_model("mlp", early_stopping=3, weights="balanced"), 1),
}


@pytest.mark.parametrize("name", VALIDATED)
def test_predefined_validation_clips_choose_settings_and_are_never_trained_on(follow, name):
    model, n_choices = VALIDATED[name]
    X, y, groups = songs()
    held = groups >= "song-21"
    fits = follow(model, X[~held], y[~held], groups[~held], valid=(X[held], y[held]))
    assert len(fits) == n_choices + 1
    for learnt, asked in fits:
        assert learnt.tolist() == list(range((~held).sum()))
        assert all(judged.tolist() == list(range((~held).sum(), len(X))) for judged in asked)
    assert sum(len(asked) for _, asked in fits) >= n_choices


def test_calibration_and_stacking_use_inner_folds_beside_validation_clips(follow):
    X, y, groups = songs()
    held = groups >= "song-21"
    member = a_model("svm_rbf", **SEARCHED)
    fits = follow(a_model("stacking", members={"svm": member}), X[~held], y[~held], groups[~held], (X[held], y[held]))
    n_learnt = (~held).sum()
    assert all(learnt.max() < n_learnt for learnt, _ in fits)
    # A search on the validation clips, calibration on three folds, a last fit; so on each fold and on all.
    assert len(fits) == 4 * (1 + 3 + 1)


@pytest.mark.parametrize(("wanted", "label"), [(1, 0), (59, 2)])
def test_search_chooses_what_is_best_on_the_validation_clips(wanted, label):
    """Of 60 clips 59 are neighbours, so the more common class has the majority everywhere."""
    X = np.concatenate([np.zeros((20, 2)), np.ones((40, 2))]) + 0.01 * np.arange(60)[:, None] % 0.1
    y, groups = np.repeat([0, 2], [20, 40]), np.arange(60)
    knn = a_model("knn", parameters={}, search={"n_neighbors": [1, 59]}, scale="none")
    valid = (np.full((5, 2), 0.05), np.full(5, label))
    assert fit(knn, X, y, groups, SEED, valid).pipeline[-1].n_neighbors == wanted


@pytest.mark.parametrize("estimator", sorted(ROUNDS))
def test_early_stopping_keeps_fewer_rounds_if_more_increase_the_loss(estimator):
    """Random labels: whatever is learnt is wrong for other songs, so the first rounds are the best."""
    X, _, groups = songs(n_songs=40)
    y = np.repeat(np.random.default_rng(5).integers(0, 2, 40), 4)
    parameter = ROUNDS[estimator].parameter
    quickly = {"learning_rate_init": 0.05} if estimator.endswith("MLPClassifier") else {"learning_rate": 0.5}
    model = a_model(
        "majority", estimator=estimator, parameters={parameter: 40} | quickly, early_stopping=4, scale="standard"
    )
    pipeline = fit(model, X, y, groups, SEED).pipeline
    assert 1 <= pipeline[-1].get_params()[parameter] < 20
    assert pipeline[-1].get_params().get("early_stopping") in (False, None), "the last fit holds out no rows"
    assert pipeline[-1].get_params().get("early_stopping_rounds") is None


def test_epoch_by_epoch_equals_a_whole_fit():
    X, y, _ = songs()
    whole = MLPClassifier([8], max_iter=7, n_iter_no_change=100, random_state=3).fit(X, y)
    stepwise = MLPClassifier([8], max_iter=7, n_iter_no_change=100, random_state=3)
    losses = early_stopping.track_epochs(stepwise, X, y, None, X, y, 100)
    assert len(losses) == 7 and np.allclose(whole.predict_proba(X), stepwise.predict_proba(X))


@pytest.mark.parametrize("name", ["naive_bayes", "xgboost", "adaboost", "logistic_regression"])
def test_balanced_weights_make_a_rare_class_count_as_much_as_others(name):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 30)
    X = rng.normal(size=(300, 2)) + 0.5 * y[:, None]
    groups = np.repeat(np.arange(60), 5)
    shares = {}
    for weights in ("none", "balanced"):
        model = a_model(name, weights=weights, early_stopping=None, scale="none")
        shares[weights] = fit(model, X, y, groups, SEED).probabilities(X, 2)[:, 1].mean()
    assert shares["none"] < 0.2 and shares["balanced"] > 1.7 * shares["none"]


def test_weights_reach_inner_fits_too(monkeypatch):
    X, y, groups = songs()
    kept = (y == 0) | (groups < "song-15")
    given = []

    class Recorder(AdaBoostClassifier):
        def fit(self, X, y, sample_weight=None):
            given.append((y, sample_weight))
            return super().fit(X, y, sample_weight)

    monkeypatch.setattr("sklearn.ensemble.AdaBoostClassifier", Recorder)
    model = a_model("adaboost", weights="balanced", calibrate=True, search={"learning_rate": [0.5, 1]})
    fit(model, X[kept], y[kept], groups[kept], SEED)
    assert len(given) == 2 * 3 + 1, "calibration takes the fits of the search"
    for labels, weight in given:
        assert weight[labels == 0].max() < weight[labels == 1].min()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"parameters": {"neighbours": 3}}, r"knn\.yaml: KNeighborsClassifier has no parameter 'neighbours'"),
        ({"weights": "balanced"}, r"knn\.yaml: KNeighborsClassifier does not support weights"),
        (
            {"estimator": "sklearn.svm.LinearSVC", "parameters": {}},
            r"LinearSVC does not .* calibrate: true",
        ),
        ({"parameters": {"n_neighbors": -1}}, r"knn\.yaml: .*'n_neighbors' parameter .* must be an int"),
    ],
)
def test_an_estimator_that_cannot_do_what_the_file_asks_is_named(keys, message):
    X, y, groups = songs()
    with pytest.raises(InputError, match=message):
        fit(a_model("knn") | keys, X, y, groups, SEED)


@pytest.mark.parametrize(
    ("name", "keys", "kept"),
    [
        ("pca_lda", {}, 6),  # of the columns there are
        ("pca_lda", {"reduce": {"pca": 2}}, 2),
        ("qda", {}, 3),  # a class has four clips
        ("pca_lda", {"calibrate": True}, 6),
    ],
)
def test_there_are_as_many_components_as_every_fit_allows(name, keys, kept):
    X, y, groups = songs(n_songs=6, clips=2)
    fitted = fit(a_model(name) | {"reduce": {"pca": 100}} | keys, X, y, groups, SEED).pipeline
    pipeline = fitted.calibrated_classifiers_[0].estimator if "calibrate" in keys else fitted
    assert pipeline.named_steps["reduce"].n_components_ == kept


def test_too_few_songs_for_inner_folds_is_an_input_error():
    X, y, groups = songs(n_songs=3)
    with pytest.raises(InputError, match=r"svm_rbf\.yaml: .* two songs per class"):
        fit(a_model("svm_rbf"), X, y, groups, SEED)


def test_histogram_boosting_never_holds_out_rows_at_random():
    assert build(a_model("gradient_boosting"), SEED)[-1].early_stopping is False


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_learns_returns_probabilities_and_survives_its_bundle(tmp_path, name):
    X, y, groups = songs()
    model = quick(MODELS[name])
    if name.startswith("mlp"):
        model["parameters"] |= {"max_iter": 40, "learning_rate_init": 0.01}
    classifier = fit(model, X, y, groups, SEED)
    found = classifier.probabilities(X, 3)
    assert found.shape == (len(X), 3)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5) and found.min() >= 0
    if name != "majority":
        assert (found.argmax(axis=1) == y).mean() > 0.5
    assert np.array_equal(found, fit(model, X, y, groups, SEED).probabilities(X, 3))
    save_bundle(tmp_path / "bundle", classifier.pipeline, {})
    loaded, _ = load_bundle(tmp_path / "bundle")
    assert np.array_equal(loaded.predict_proba(X), classifier.pipeline.predict_proba(X))
    assert getattr(loaded, "cv", None) in (None, "prefit"), "folds are no part of a model"
