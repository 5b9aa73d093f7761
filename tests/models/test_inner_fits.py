"""A search and a calibration on inner folds that share fits give what scikit-learn's give with fits of their own."""

import numpy as np
import pytest
from helpers.project import ROOT
from helpers.tables import songs
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.svm import SVC

from songwise.models.files import load_model
from songwise.models.fit import fit
from songwise.models.inner_fits import InnerFits, fit_pipeline
from songwise.models.pipeline import build, fit_options

SEED = 1
COMPONENTS = {"reduce": {"pca": 4}}
MODELS = {
    "SVM, RBF": load_model("svm_rbf", ROOT),
    "SVM, linear": load_model("svm_linear", ROOT),
    "SVM, cubic": load_model("svm_poly", ROOT),
    "SVM, two kernels": load_model("svm_rbf", ROOT) | {"search": {"C": [1, 10], "gamma": ["scale", "auto", 0.3]}},
    "components": load_model("pca_svm_rbf", ROOT) | COMPONENTS,
    "probabilities": load_model("knn", ROOT) | {"calibrate": True, "search": {"n_neighbors": [1, 5, 9]}},
    "weights": load_model("adaboost", ROOT)
    | {
        "calibrate": True,
        "weights": "balanced",
        "parameters": {"n_estimators": 5},
        "search": {"learning_rate": [0.1, 1]},
    },
}


def folds_of(X, y, groups) -> list:
    return list(StratifiedGroupKFold(3, shuffle=True, random_state=SEED).split(X, y, groups))


def by_scikit_learn(model: dict, X, y, groups):
    """Search and calibrate with one fit per candidate, fold and use."""
    pipeline, folds = build(model, SEED), folds_of(X, y, groups)
    options = fit_options(model, pipeline, y)
    grid = {f"model__{key}": values for key, values in model["search"].items()}
    search = GridSearchCV(pipeline, grid, cv=folds, refit=False, scoring="accuracy", error_score="raise")
    pipeline.set_params(**search.fit(X, y, **options).best_params_)
    calibrated = CalibratedClassifierCV(pipeline, method="sigmoid", cv=folds, ensemble=False)
    return search, calibrated.fit(X, y, **options).set_params(cv=None)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_same_candidate_is_chosen_and_the_same_probabilities_are_predicted(name, n_classes):
    model = MODELS[name]
    X, y, groups = songs(n_songs=45)
    kept = y < n_classes
    X, y, groups = X[kept], y[kept], groups[kept]
    search, own = by_scikit_learn(model, X, y, groups)
    shared = fit(model, X, y, groups, SEED).pipeline
    assert {f"model__{key}": shared.estimator[-1].get_params()[key] for key in model["search"]} == search.best_params_
    np.testing.assert_allclose(shared.predict_proba(X), own.predict_proba(X), atol=1e-9)
    assert set(vars(shared)) == set(vars(own)) and shared.get_params().keys() == own.get_params().keys()


def test_a_calibration_takes_the_fits_of_the_search(monkeypatch):
    X, y, groups = songs()
    fits, own = [], SVC.fit
    monkeypatch.setattr(SVC, "fit", lambda self, *given: fits.append(self.kernel) or own(self, *given))
    fit(MODELS["SVM, RBF"], X, y, groups, SEED)
    assert fits == 3 * 3 * ["precomputed"] + ["rbf"]


def test_candidates_share_one_kernel_per_fold(monkeypatch):
    X, y, groups = songs()
    asked, own = [], InnerFits.__init__.__globals__["pairwise_kernels"]
    spy = lambda *given, **options: asked.append(options) or own(*given, **options)  # noqa: E731
    monkeypatch.setattr("songwise.models.inner_fits.pairwise_kernels", spy)
    fit(MODELS["SVM, RBF"], X, y, groups, SEED)
    assert len(asked) == 3 * 2, "one of the clips to fit on, one of the held-out clips"


def test_many_clips_have_no_kernel_in_memory(monkeypatch):
    X, y, groups = songs()
    by_kernel = fit(MODELS["SVM, RBF"], X, y, groups, SEED).pipeline
    monkeypatch.setattr("songwise.models.inner_fits._MOST_IN_KERNEL", 10)
    monkeypatch.setattr("songwise.models.inner_fits.pairwise_kernels", None)
    by_machine = fit(MODELS["SVM, RBF"], X, y, groups, SEED).pipeline
    np.testing.assert_allclose(by_machine.predict_proba(X), by_kernel.predict_proba(X), atol=1e-9)


def test_a_fold_without_a_class_is_noticed():
    X, y, groups = songs()
    folds = folds_of(X, y, groups)
    pipeline = build(MODELS["SVM, RBF"], SEED)
    assert not InnerFits(pipeline, X, y, folds, {}).lacks_a_class()
    (inside, outside), *others = folds
    assert InnerFits(pipeline, X, y, [*others, (inside[y[inside] != 2], outside)], {}).lacks_a_class()


def test_steps_that_pipelines_have_in_common_are_fitted_once():
    X, y, _ = songs()
    steps = {}
    first, second, other = (
        fit_pipeline(build(load_model(name, ROOT) | keys, SEED), X, y, {}, steps)
        for name, keys in (("lda_shrinkage", {}), ("pca_lda", COMPONENTS), ("lda_shrinkage", {"scale": "none"}))
    )
    assert first["scale"] is second["scale"] and first["varies"] is other["varies"]
    alone = clone(second).fit(X, y)
    assert np.array_equal(second.predict_proba(X), alone.predict_proba(X))
    of_some_columns = build(load_model("lda_shrinkage", ROOT) | {"columns": [1, 2]}, SEED)
    assert fit_pipeline(of_some_columns, X, y, {}, steps)["varies"] is not first["varies"]
