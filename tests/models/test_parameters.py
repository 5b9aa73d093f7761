"""A parameter that an estimator does not have or cannot use is refused at the start, not in its training job."""

import re
import subprocess
import sys
from typing import get_args

import pytest
import yaml
from helpers.project import ROOT

from songwise.errors import InputError
from songwise.models import parameters
from songwise.models.files import load_model
from songwise.models.parameters import check_parameters
from songwise.schemas.model import Estimator

KNN = "sklearn.neighbors.KNeighborsClassifier"
SVC = "sklearn.svm.SVC"
LDA = "sklearn.discriminant_analysis.LinearDiscriminantAnalysis"
MLP = "sklearn.neural_network.MLPClassifier"
FOREST = "sklearn.ensemble.RandomForestClassifier"
LOGISTIC = "sklearn.linear_model.LogisticRegression"
POOLED = "songwise.models.pooled_lda.PooledLDA"
XGBOOST = "xgboost.XGBClassifier"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache of its own for each test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "songwise" / "parameters"


@pytest.fixture
def model(tmp_path):
    """A function that writes a model file and loads it."""
    folder = tmp_path / "config" / "models"
    folder.mkdir(parents=True)

    def write_and_load(name: str = "mine", **keys) -> dict:
        content = {"name": name, "features": ["all"]} | keys
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        return load_model(name, tmp_path)

    return write_and_load


def test_every_shipped_model_is_accepted(cache):
    names = [path.stem for path in (ROOT / "config" / "models").glob("*.yaml")]
    for name in names:
        check_parameters(load_model(name, ROOT))
    assert len(list(cache.iterdir())) >= len(names) - 6  # ensembles have no record, and equal models share one


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"estimator": KNN, "parameters": {"n_neighbours": 3}},
            "parameters: KNeighborsClassifier has no parameter 'n_neighbours'; did you mean 'n_neighbors'?",
        ),
        (
            {"estimator": KNN, "search": {"n_neighbours": [3]}},
            "search: KNeighborsClassifier has no parameter 'n_neighbours'; did you mean 'n_neighbors'?",
        ),
        (
            {"estimator": XGBOOST, "parameters": {"maxdepth": 3}},
            "parameters: XGBClassifier has no parameter 'maxdepth'; did you mean 'max_depth'?",
        ),
        (
            {"estimator": KNN, "parameters": {"n_neighbors": -1}},
            "parameters.n_neighbors: KNeighborsClassifier: must be an int in the range [1, inf) or None. Got -1",
        ),
        ({"estimator": SVC, "parameters": {"kernel": "foo"}}, "parameters.kernel: SVC: must be a str among"),
        (
            {"estimator": POOLED, "parameters": {"prior": "uniform"}},
            "parameters: PooledLDA has no parameter 'prior'; did you mean 'priors'?",
        ),
        (
            {"estimator": POOLED, "parameters": {"priors": "equal"}},
            "parameters.priors: PooledLDA: must be a str among",
        ),
        (
            {"estimator": SVC, "search": {"C": [1, -1]}},
            "search.C: SVC: must be a float in the range (0.0, inf]. Got -1",
        ),
        (
            {"estimator": FOREST, "parameters": {"n_estimators": 0}},
            "parameters.n_estimators: RandomForestClassifier: must",
        ),
        (
            {"estimator": XGBOOST, "parameters": {"n_estimators": 0}},
            "parameters.n_estimators: XGBClassifier: must be an",
        ),
        ({"estimator": XGBOOST, "parameters": {"subsample": 2}}, "parameters.subsample: XGBClassifier: value 2 for"),
        (
            {"estimator": XGBOOST, "parameters": {"booster": "x"}},
            "parameters.booster: XGBClassifier: Unknown gbm type x",
        ),
        (
            {"estimator": LDA, "parameters": {"shrinkage": "auto"}},
            "parameters: LinearDiscriminantAnalysis(shrinkage='auto'): shrinkage not supported",
        ),
        (
            {"estimator": LDA, "parameters": {"shrinkage": 0.5}, "search": {"solver": ["lsqr", "svd"]}},
            "parameters: LinearDiscriminantAnalysis(shrinkage=0.5, solver='svd'): shrinkage not supported",
        ),
        (
            {"estimator": MLP, "parameters": {"hidden_layer_sizes": [8, 0]}},
            "parameters: MLPClassifier(hidden_layer_sizes",
        ),
        (
            {"estimator": LOGISTIC, "parameters": {"penalty": "l1"}},
            "parameters: LogisticRegression(penalty='l1'): Solver",
        ),
        ({"estimator": KNN, "weights": "balanced"}, "KNeighborsClassifier "),
        ({"estimator": SVC}, "SVC does not return probabilities"),
    ],
)
def test_an_impossible_model_is_refused(model, cache, keys, message):
    with pytest.raises(InputError, match=re.escape(f"config/models/mine.yaml: {message}")):
        check_parameters(model(**keys))
    assert not cache.exists(), "a refusal must not be recorded as a success"


def test_all_mistakes_are_named_at_once(model):
    keys = {"parameters": {"kernel": "foo", "degree": -1}, "search": {"gamma": ["scale", -3]}}
    with pytest.raises(InputError) as error:
        check_parameters(model(estimator=SVC, calibrate=True, **keys))
    lines = str(error.value).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["parameters.kernel", "parameters.degree", "search.gamma"]


def test_a_member_is_named_by_its_own_file(model):
    model("theirs", estimator=KNN, parameters={"n_neighbors": 0})
    voting = model(estimator="sklearn.ensemble.VotingClassifier", members=["theirs"])
    with pytest.raises(InputError, match=r"config/models/theirs\.yaml: parameters\.n_neighbors"):
        check_parameters(voting)


@pytest.mark.parametrize("weights", [[1], [1, "2"], [1, -1], [0, 0], 3])
def test_votes_have_one_weight_per_member(model, weights):
    model("one", estimator=KNN)
    model("two", estimator=LDA)
    keys = {"estimator": "sklearn.ensemble.VotingClassifier", "members": ["one", "two"]}
    assert model(**keys, parameters={"weights": [1, 2.5]})
    with pytest.raises(InputError, match=r"mine\.yaml: parameters\.weights: .* is not a list of 2 numbers"):
        model(**keys, parameters={"weights": weights})


def test_a_model_is_checked_once_until_it_or_its_library_changes(model, monkeypatch):
    checked = []
    monkeypatch.setattr(parameters, "_check", lambda model: checked.append(model["parameters"]))
    check_parameters(model(estimator=KNN, title="One"))
    check_parameters(model(estimator=KNN, title="Other", features=["kelly"]))
    assert checked == [{}]
    check_parameters(model(estimator=KNN, parameters={"p": 1}))
    assert checked == [{}, {"p": 1}]
    monkeypatch.setattr(parameters, "version", lambda library: "99.0")
    check_parameters(model(estimator=KNN))
    assert checked == [{}, {"p": 1}, {}]


def test_a_start_after_the_first_imports_no_library(tmp_path):
    program = (
        "import sys; from pathlib import Path; from songwise.plan.plan import load_plan; "
        "load_plan({'dataset': 'demo', 'models': 'default'}, Path()); "
        "print(sorted({'sklearn', 'xgboost', 'numpy', 'jsonschema'} & sys.modules.keys()))"
    )

    def imported() -> str:
        return subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout

    assert "sklearn" in imported()
    assert imported() == "[]\n"


def test_no_allowed_estimator_searches_by_itself():
    """Estimators whose name ends in CV choose on folds of clips, not of songs; the key `search` keeps songs whole."""
    assert not [name for name in get_args(Estimator) if name.endswith("CV")]
