"""A bundle predicts as the model that was saved, and a file that could execute something is refused."""

import functools
import json
import operator
import pickle
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from songwise.errors import InputError
from songwise.models.bundle import TRUSTED_TYPES, load_bundle, save_bundle
from songwise.models.pooled_lda import PooledLDA

CARD = {"labels": ["BTS", "EXO", "TWICE"], "columns": [f"mfcc_{i}" for i in range(6)]}
Y = np.arange(90) % 3
X = np.random.default_rng(0).normal(size=(90, 6)) + Y[:, None]
UNSEEN = np.random.default_rng(1).normal(size=(50, 6)) + 1
BY_SONG = list(GroupKFold(3).split(X, Y, np.arange(90) // 5))
PAIR = [("bayes", GaussianNB()), ("logistic", LogisticRegression())]

MODELS = {
    "dummy": DummyClassifier(strategy="prior"),
    "logistic": LogisticRegression(),
    "lda": LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    "pooled_lda": PooledLDA(),
    "qda": QuadraticDiscriminantAnalysis(reg_param=0.1),
    "bayes": GaussianNB(),
    "svc": SVC(),
    "linear_svc": LinearSVC(),
    "calibrated": CalibratedClassifierCV(SVC(), method="sigmoid", cv=BY_SONG, ensemble=False),
    "forest": RandomForestClassifier(5, random_state=0),
    "extra_trees": ExtraTreesClassifier(5, random_state=0),
    "tree": DecisionTreeClassifier(random_state=0),
    "adaboost": AdaBoostClassifier(n_estimators=5, random_state=0),
    "bagging": BaggingClassifier(n_estimators=5, random_state=0),
    "gradient": GradientBoostingClassifier(n_estimators=5, random_state=0),
    "hist_gradient": HistGradientBoostingClassifier(max_iter=5, random_state=0),
    "xgboost": XGBClassifier(n_estimators=5),
    "mlp_adam": MLPClassifier(max_iter=20, random_state=0),
    "mlp_sgd": MLPClassifier(max_iter=20, solver="sgd", early_stopping=True, random_state=0),
    "voting": VotingClassifier(PAIR, voting="soft"),
    "stacking": StackingClassifier(PAIR, cv=BY_SONG),
    **{
        f"knn_{algorithm}_{metric}": KNeighborsClassifier(
            algorithm=algorithm, metric=metric, metric_params=parameters, weights="distance"
        )
        for algorithm, metric, parameters in [
            ("brute", "cosine", None),
            ("brute", "correlation", None),
            ("kd_tree", "euclidean", None),
            ("kd_tree", "manhattan", None),
            ("kd_tree", "chebyshev", None),
            ("ball_tree", "euclidean", None),
            ("ball_tree", "minkowski", {"p": 3}),
            ("ball_tree", "canberra", None),
            ("ball_tree", "braycurtis", None),
            ("ball_tree", "hamming", None),
            ("ball_tree", "seuclidean", {"V": np.ones(6)}),
            ("ball_tree", "mahalanobis", {"VI": np.eye(6)}),
        ]
    },
}
REDUCERS = {"standard": StandardScaler(), "minmax": MinMaxScaler(), "pca": PCA(6)}


def _fitted(model, reducer="standard"):
    return make_pipeline(VarianceThreshold(), REDUCERS[reducer], model).fit(X, Y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_predicts_as_the_saved_one(tmp_path, name):
    pipeline = _fitted(MODELS[name])
    save_bundle(tmp_path / "bundle", pipeline, CARD)
    loaded, card = load_bundle(tmp_path / "bundle")
    verdict = "predict_proba" if hasattr(pipeline, "predict_proba") else "decision_function"
    np.testing.assert_array_equal(getattr(loaded, verdict)(UNSEEN), getattr(pipeline, verdict)(UNSEEN))
    np.testing.assert_array_equal(loaded.predict(UNSEEN), pipeline.predict(UNSEEN))
    assert card == CARD


@pytest.mark.parametrize("reducer", REDUCERS)
def test_scalers_and_pca_survive(tmp_path, reducer):
    pipeline = _fitted(GaussianNB(), reducer)
    save_bundle(tmp_path / "bundle", pipeline, CARD)
    loaded, _ = load_bundle(tmp_path / "bundle")
    np.testing.assert_array_equal(loaded.predict_proba(UNSEEN), pipeline.predict_proba(UNSEEN))


def test_a_bundle_replaces_the_previous_one_and_leaves_nothing_beside_it(tmp_path):
    save_bundle(tmp_path / "bundle", _fitted(SVC()), {"labels": ["old"]})
    save_bundle(tmp_path / "bundle", _fitted(GaussianNB()), CARD)
    loaded, card = load_bundle(tmp_path / "bundle")
    assert isinstance(loaded[-1], GaussianNB)
    assert card == CARD
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert sorted(path.name for path in (tmp_path / "bundle").iterdir()) == ["bundle.json", "model.skops"]
    assert (tmp_path / "bundle/bundle.json").read_text() == json.dumps(CARD, indent=2, sort_keys=True) + "\n"


def test_a_model_that_could_not_be_loaded_is_not_saved(tmp_path):
    pipeline = make_pipeline(FunctionTransformer(np.nan_to_num), GaussianNB()).fit(X, Y)
    with pytest.raises(InputError, match="nan_to_num"):
        save_bundle(tmp_path / "bundle", pipeline, CARD)
    assert list(tmp_path.iterdir()) == []


class _Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def _bundle_of(folder, content: bytes):
    folder.mkdir()
    (folder / "model.skops").write_bytes(content)
    (folder / "bundle.json").write_text(json.dumps(CARD))
    return folder


def test_a_pickle_renamed_to_a_bundle_is_refused_unread(tmp_path):
    trace = tmp_path / "executed"
    folder = _bundle_of(tmp_path / "bundle", pickle.dumps(_Touch(trace)))
    with pytest.raises(InputError, match=r"model\.skops: is not a model file"):
        load_bundle(folder)
    assert not trace.exists()


def test_a_file_that_would_call_a_function_is_refused_uncalled(tmp_path):
    trace = tmp_path / "executed"
    schema = {
        "__class__": "open",
        "__module__": "builtins",
        "__loader__": "ConstructorFromReduceNode",
        "content": {
            "__class__": "tuple",
            "__module__": "builtins",
            "__loader__": "TupleNode",
            "content": [
                {
                    "__class__": "str",
                    "__module__": "builtins",
                    "__loader__": "JsonNode",
                    "content": json.dumps(value),
                }
                for value in (str(trace), "w")
            ],
        },
        "protocol": 2,
        "_skops_version": "0.16.0",
    }
    folder = _bundle_of(tmp_path / "bundle", b"")
    with zipfile.ZipFile(folder / "model.skops", "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    # The file is well made: whoever trusts `open` gets the call.
    skops.io.load(folder / "model.skops", trusted=["builtins.open"]).close()
    assert trace.exists()
    trace.unlink()
    with pytest.raises(InputError, match=r"model\.skops: contains builtins\.open"):
        load_bundle(folder)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("smuggled", "named"),
    [
        (functools.partial(open, "x"), "functools.partial"),
        (operator.methodcaller("system", "true"), "operator.methodcaller"),
        (operator.attrgetter("system"), "operator.attrgetter"),
        (np.load, "numpy.load"),
        (GaussianNB().fit, "GaussianNB.fit"),
    ],
)
def test_functions_in_disguise_are_refused_by_name(tmp_path, smuggled, named):
    pipeline = _fitted(GaussianNB())
    pipeline[-1].smuggled = smuggled
    folder = _bundle_of(tmp_path / "bundle", skops.io.dumps(pipeline))
    with pytest.raises(InputError, match=named):
        load_bundle(folder)


def test_a_metric_written_in_python_is_refused(tmp_path):
    model = KNeighborsClassifier(algorithm="ball_tree", metric=_python_metric).fit(X, Y)
    folder = _bundle_of(tmp_path / "bundle", skops.io.dumps(model))
    with pytest.raises(InputError, match="PyFuncDistance64"):
        load_bundle(folder)


def _python_metric(a, b):
    return float(np.abs(a - b).sum())


def test_every_trusted_type_is_a_class():
    for name in TRUSTED_TYPES:
        module, _, attribute = name.rpartition(".")
        assert isinstance(getattr(__import__(module, fromlist=[attribute]), attribute), type), name


def test_missing_and_corrupt_files_are_named(tmp_path):
    folder = tmp_path / "bundle"
    with pytest.raises(InputError, match=r"model\.skops: No such file"):
        load_bundle(folder)
    save_bundle(folder, _fitted(GaussianNB()), CARD)

    whole = (folder / "model.skops").read_bytes()
    for content in (b"", whole[: len(whole) // 2]):
        (folder / "model.skops").write_bytes(content)
        with pytest.raises(InputError, match=r"model\.skops: is not a model file"):
            load_bundle(folder)

    (folder / "model.skops").write_bytes(whole)
    (folder / "bundle.json").write_text('{"labels":')
    with pytest.raises(InputError, match=r"bundle\.json: is not JSON"):
        load_bundle(folder)
    (folder / "bundle.json").unlink()
    with pytest.raises(InputError, match=r"bundle\.json: No such file"):
        load_bundle(folder)
