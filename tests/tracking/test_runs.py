"""The MLflow store shows every model in results/ once and completely, also after a crash."""

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from helpers.frames import easy_clips
from helpers.results import write_result_tables
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import VarianceThreshold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from songwise.errors import InputError
from songwise.models.bundle import load_bundle, save_bundle
from songwise.models.deep.estimator import DeepClassifier
from songwise.tracking.runs import log_runs

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LABELS = ["BTS", "EXO", "TWICE"]
COLUMNS = [f"mfcc_mean_{i}" for i in range(4)]
METRICS = {
    "n_songs": 30,
    "n_clips": 90,
    **{
        f"{level}_{name}": value
        for level in ("clip", "song")
        for name, value in {
            "accuracy": 0.8,
            "accuracy_low": 0.7,
            "accuracy_high": 0.9,
            "macro_f1": 0.75,
        }.items()
    },
    "fit_seconds": 1.5,
}
IN_MLFLOW = {
    **{f"song_{name}": METRICS[f"song_{name}"] for name in ("accuracy", "accuracy_low", "accuracy_high", "macro_f1")},
    **{f"votes_clip_{name}": METRICS[f"clip_{name}"] for name in ("accuracy", "accuracy_low", "macro_f1")},
    "test_n_songs": 30,
    "test_n_clips": 90,
    "training_fit_seconds": 1.5,
    "versus_guessing": 0.4,
    "versus_file_facts": 0.35,
    "versus_random_clips": 0.95,
    "versus_inflation": 0.15,
    "versus_inflation_low": 0.15,
    "versus_inflation_high": 0.15,
}
FITTED = 1_700_000_000  # Unix time at which the fits ended
FOLDS = [
    {"repeat": repeat, "fold": fold, "clip_accuracy": repeat + fold / 10, "song_accuracy": 0.5}
    for repeat in range(2)
    for fold in range(3)
]
Y = np.arange(90) % 3
X = np.random.default_rng(0).normal(size=(90, 4)) + Y[:, None]
PIPELINES = {
    name: make_pipeline(VarianceThreshold(), StandardScaler(), model).fit(X, Y)
    for name, model in {"svm": SVC(), "forest": RandomForestClassifier(5, random_state=0)}.items()
}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Return the path results/ in an empty current folder. The folder's name has a space, as a user's may have."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "my music"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Path("results")


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    """Return a database without runs. All tests share it, because making one takes seconds."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    folder = tmp_path_factory.mktemp("store")
    SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", f"{folder}/mlruns").engine.dispose()
    return folder / "mlflow.db"


@pytest.fixture
def results(fresh, empty_store):
    """Return the path results/ in a current folder with an empty store."""
    shutil.copy(empty_store, "mlflow.db")
    return fresh


def write_model(results, dataset, model, run_key):
    folder = results / dataset / "models" / f"{model}@mfcc"
    save_bundle(folder / "bundle", PIPELINES[model], {"labels": LABELS, "columns": COLUMNS})
    params = {
        "run_key": run_key,
        "model": model,
        "features": "mfcc",
        "estimator": type(PIPELINES[model][-1]).__name__,
        "parameters": {"C": 10, "nested": {"gamma": "scale"}},
        "seed": 0,
        "dataset": dataset,
        "data_key": "data1",
        "code_version": "code1",
    }
    (folder / "params.json").write_text(json.dumps(params))
    (folder / "metrics.json").write_text(json.dumps({**METRICS, "folds": FOLDS}))
    (folder / "by-song").mkdir(exist_ok=True)
    (folder / "by-song/fit.json").write_text("{}")
    os.utime(folder / "by-song/fit.json", (FITTED, FITTED))
    for level in ("clip", "song"):
        (folder / f"confusion_{level}.csv").write_text("label,BTS,EXO,TWICE\nBTS,9,1,0\nEXO,2,8,0\nTWICE,0,0,10\n")
        figure, axes = plt.subplots(figsize=(1, 1))
        axes.imshow(np.eye(3))
        figure.savefig(folder / f"confusion_{level}.png")
        plt.close(figure)


def write_tables(results, dataset, models):
    runs = [f"{model}@mfcc" for model in models]
    write_result_tables(results / dataset, runs, METRICS, title=f"The songs of {dataset}")


def write_dataset(results, dataset, **run_keys):
    for model, run_key in run_keys.items():
        write_model(results, dataset, model, run_key)
    write_tables(results, dataset, list(run_keys))


def runs_of(logged, dataset):
    """Return the runs that the UI shows for a data set by their run_key."""
    import mlflow

    client = mlflow.MlflowClient(logged["store"])
    runs = client.search_runs([logged["experiments"][dataset]["experiment_id"]])
    assert len({run.data.tags["run_key"] for run in runs}) == len(runs), "a run_key twice"
    return {run.data.tags["run_key"]: run for run in runs}


def runs_in_file():
    """Return the number of runs in mlflow.db on disk, independently of this process's open connections."""
    with closing(sqlite3.connect("mlflow.db")) as connection:
        return connection.execute("SELECT count(*) FROM runs").fetchone()[0]


def test_importing_the_modules_does_not_import_mlflow_or_scikit_learn():
    code = "import sys, songwise.tracking.runs; print({'mlflow', 'sklearn', 'skops'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_each_data_set_is_an_experiment_and_each_model_a_complete_run(fresh, capfd):
    import mlflow

    write_dataset(fresh, "demo", svm="k1", forest="k2")
    write_dataset(fresh, "open-music", svm="k3")
    (fresh / "demo" / "models" / "leftover@mfcc").mkdir()

    logged = log_runs(fresh, git_commit=COMMIT)
    assert capfd.readouterr() == ("", "")
    assert Path("mlflow.db").exists() and not Path("mlruns/0/meta.yaml").exists()
    assert logged["store"] == f"sqlite:///{Path('mlflow.db').absolute()}"
    assert set(logged["experiments"]) == {"demo", "open-music"}
    assert set(logged["experiments"]["demo"]["runs"]) == {"svm@mfcc", "forest@mfcc"}

    client = mlflow.MlflowClient(logged["store"])
    experiment = client.get_experiment_by_name("demo")
    assert experiment.experiment_id == logged["experiments"]["demo"]["experiment_id"]
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    assert [item.name for item in client.search_experiments()] == ["open-music", "demo"]
    assert set(runs_of(logged, "open-music")) == {"k3"}

    run = runs_of(logged, "demo")["k1"]
    run_id = logged["experiments"]["demo"]["runs"]["svm@mfcc"]
    assert (run.info.run_id, run.info.run_name, run.info.status) == (run_id, "svm@mfcc", "FINISHED")
    assert IN_MLFLOW.items() <= run.data.metrics.items()
    assert next(iter(run.data.metrics)) == min(run.data.metrics) == "song_accuracy" and not [
        name for name in run.data.metrics if "/" in name
    ]
    assert (run.info.start_time, run.info.end_time) == (1000 * FITTED - 1500, 1000 * FITTED)
    assert run.data.params["parameters.nested.gamma"] == "scale"
    assert (run.data.params["parameters.C"], run.data.params["seed"]) == ("10", "0")
    tags = {"model": "svm", "preset": "mfcc", "tied": "true", "this_run": "true"}
    tags |= {"run_key": "k1", "git_commit": COMMIT, "data_version": "data1", "code_version": "code1"}
    assert tags.items() <= run.data.tags.items()
    assert "stale" not in run.data.tags

    history = client.get_metric_history(run_id, "test_fold_clip_accuracy")
    assert [(point.step, point.value) for point in sorted(history, key=lambda point: point.step)] == [
        (0, 0.0), (1, 0.1), (2, 0.2), (3, 1.0), (4, 1.1), (5, 1.2)
    ]  # fmt: skip

    artifacts = Path(mlflow.artifacts.download_artifacts(run_id=run_id, tracking_uri=logged["store"]))
    source = fresh / "demo/models/svm@mfcc"
    for name in ("confusion_clip.csv", "confusion_song.csv", "confusion_clip.png", "confusion_song.png"):
        assert (artifacts / name).read_bytes() == (source / name).read_bytes()
    assert load_bundle(artifacts / "bundle")[1]["labels"] == LABELS
    tables = {name: json.loads((artifacts / f"{name}.json").read_text()) for name in ("folds", "leakage")}
    assert tables["folds"]["columns"][:3] == ["repeat", "fold", "clip_accuracy"]
    assert tables["folds"]["data"][4][:3] == [1, 1, 1.1] and len(tables["folds"]["data"]) == len(FOLDS)
    assert [row[0] for row in tables["leakage"]["data"]] == ["by-song", "random-clips"]
    assert json.loads(run.data.tags["mlflow.loggedArtifacts"])[0] == {"path": "folds.json", "type": "table"}


def test_the_logged_model_is_not_a_pickle_and_predicts_as_the_bundle(results, monkeypatch):
    import mlflow
    import pandas as pd

    write_dataset(results, "demo", svm="k1", forest="k2")
    logged = log_runs(results, git_commit=None)
    assert not [path for path in Path("mlruns").rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]

    monkeypatch.setenv("MLFLOW_TRACKING_URI", logged["store"])
    for name, run_id in logged["experiments"]["demo"]["runs"].items():
        expected = load_bundle(results / "demo/models" / name / "bundle")[0].predict(X)
        model = mlflow.sklearn.load_model(f"runs:/{run_id}/{name}")
        table = mlflow.pyfunc.load_model(f"runs:/{run_id}/{name}").predict(pd.DataFrame(X, columns=COLUMNS))
        np.testing.assert_array_equal(model.predict(X), expected)
        np.testing.assert_array_equal(table, expected)
    models = mlflow.MlflowClient(logged["store"]).search_logged_models([logged["experiments"]["demo"]["experiment_id"]])
    assert len(models) == 2
    assert {model.status.value for model in models} == {"READY"}


def test_a_network_is_logged_with_its_bundle_and_its_curves(results, tmp_path):
    pytest.importorskip("torch")
    import mlflow

    clips, y, _ = easy_clips(tmp_path, n_songs=6)
    network = DeepClassifier(epochs=1, crop=32, device="cpu", random_state=0).fit(clips, y)
    write_model(results, "demo", "svm", "k1")
    folder = results / "demo/models/svm@mfcc"
    save_bundle(folder / "bundle", network, {"labels": LABELS, "columns": []})
    (folder / "by-song/curves.csv").write_text(
        "repeat,fold,epoch,training_loss,held_out_loss,held_out_accuracy\n0,0,1,2,1.5,.4\n0,0,2,1,1.2,.5\n"
    )
    write_tables(results, "demo", ["svm"])
    logged = log_runs(results, git_commit=None)
    client = mlflow.MlflowClient(logged["store"])
    run_id = logged["experiments"]["demo"]["runs"]["svm@mfcc"]
    history = client.get_metric_history(run_id, "training_by-song_held_out_loss")
    assert [(point.step, point.value) for point in history] == [(1, 1.5), (2, 1.2)]
    names = {item.path for item in client.list_artifacts(run_id, "bundle")}
    assert names == {"bundle/bundle.json", "bundle/network.json", "bundle/network.safetensors"}
    assert client.get_run(run_id).info.status == "FINISHED"
    assert log_runs(results, git_commit=None)["experiments"] == logged["experiments"]


def test_logging_again_adds_nothing_and_runs_go_stale_and_come_back(results):
    write_dataset(results, "demo", svm="k1", forest="k2")
    first = log_runs(results, git_commit=None)
    assert log_runs(results, git_commit=None) == first
    assert set(runs_of(first, "demo")) == {"k1", "k2"}

    write_model(results, "demo", "svm", "k3")
    changed = log_runs(results, git_commit=None)
    assert {key: run.data.tags.get("stale") for key, run in runs_of(changed, "demo").items()} == {
        "k1": "true", "k2": None, "k3": None
    }  # fmt: skip

    write_tables(results, "demo", ["svm"])
    assert set(log_runs(results, git_commit=None)["experiments"]["demo"]["runs"]) == {"svm@mfcc"}
    assert runs_of(changed, "demo")["k2"].data.tags["stale"] == "true"

    write_tables(results, "demo", ["svm", "forest"])
    assert log_runs(results, git_commit=None) == changed
    assert "stale" not in runs_of(changed, "demo")["k2"].data.tags


def test_what_a_model_is_compared_with_is_updated_in_its_run(results):
    write_dataset(results, "demo", svm="k1")
    first = log_runs(results, git_commit=None)
    facts = json.loads((results / "demo/headline.json").read_text())
    (results / "demo/headline.json").write_text(json.dumps(facts | {"guessing": 0.25, "title": "Bands"}))
    board = (results / "demo/leaderboard.csv").read_text()
    (results / "demo/leaderboard.csv").write_text(board.replace("true,true", "true,false"))

    assert log_runs(results, git_commit=None) == first
    run = runs_of(first, "demo")["k1"]
    assert run.data.metrics["versus_guessing"] == 0.25 and run.data.tags["this_run"] == "false"
    assert "in Bands, from an earlier run" in run.data.tags["mlflow.note.content"]


def test_runs_that_an_earlier_version_logged_are_logged_anew(results):
    import mlflow

    write_dataset(results, "demo", svm="k1", forest="k2")
    first = log_runs(results, git_commit=None)
    client = mlflow.MlflowClient(first["store"])
    former = first["experiments"]["demo"]["runs"]["svm@mfcc"]
    client.delete_tag(former, "content")
    champion = client.create_logged_model("1", name="champion", source_run_id=former)

    again = log_runs(results, git_commit=None)["experiments"]["demo"]["runs"]
    assert again["svm@mfcc"] != former and again["forest@mfcc"] == first["experiments"]["demo"]["runs"]["forest@mfcc"]
    assert set(runs_of(first, "demo")) == {"k1", "k2"}
    models = client.search_logged_models(["1"])
    assert sorted(model.name for model in models) == ["champion", "forest@mfcc", "svm@mfcc"]
    assert {model.source_run_id for model in models if model.name != "champion"} == set(again.values())
    assert client.get_logged_model(champion.model_id).source_run_id == former  # the registry may point to it


def test_the_data_set_of_a_run_says_which_songs_it_has(results):
    write_dataset(results, "demo", svm="k1")
    (data,) = runs_of(log_runs(results, git_commit=None), "demo")["k1"].inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("demo", "data1")
    assert json.loads(data.dataset.source) == {"uri": "results/demo/tracks.csv"}
    assert json.loads(data.dataset.profile) == {
        "num_rows": 90, "n_songs": 30, "n_clips": 90, "n_classes": 3, "tracks_of_class": {"B": 10, "C": 10, "A": 10}
    }  # fmt: skip


def test_notes_have_the_headline(results):
    import mlflow

    write_dataset(results, "demo", svm="k1", forest="k2")
    logged = log_runs(results, git_commit=None)
    experiment = mlflow.MlflowClient(logged["store"]).get_experiment_by_name("demo")
    note = experiment.tags["mlflow.note.content"].splitlines()
    assert note[0] == "Best model 80 %, guessing 40 %, file facts 35 %, random clips 95 % of 30 songs."
    assert "| best model | 80 % | [70, 90] | svm@mfcc, on songs never heard |" in note
    assert "| 2 | forest@mfcc | 80 % | [70, 90] | tied with the best |" in note
    run = runs_of(logged, "demo")["k2"].data.tags["mlflow.note.content"].splitlines()
    assert run[0] == "Place 2 of 2 in The songs of demo, statistically tied with the best."
    assert "| this model | 80 % | [70, 90] | on songs never heard |" in run
    link = "(#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=leaderboard)"
    assert link in note[-1] and link in run[-1]


def test_a_deleted_store_is_rebuilt_for_every_data_set(results):
    write_dataset(results, "demo", svm="k1")
    write_dataset(results, "open-music", forest="k2")
    log_runs(results, git_commit=None)
    Path("mlflow.db").unlink()

    logged = log_runs(results, git_commit=None)
    assert {dataset: set(runs_of(logged, dataset)) for dataset in ("demo", "open-music")} == {
        "demo": {"k1"}, "open-music": {"k2"}
    }  # fmt: skip
    assert runs_in_file() == 2


def test_an_unfinished_run_of_a_killed_process_is_replaced(results):
    import mlflow

    write_dataset(results, "demo", svm="k1", forest="k2")
    done = log_runs(results, git_commit=None)
    experiment_id = done["experiments"]["demo"]["experiment_id"]
    client = mlflow.MlflowClient(done["store"])
    killed = client.create_run(experiment_id, run_name="svm@mfcc", tags={"run_key": "k3"}).info.run_id
    client.create_logged_model(experiment_id, name="model", source_run_id=killed)
    write_model(results, "demo", "svm", "k3")

    logged = log_runs(results, git_commit=None)
    runs = runs_of(logged, "demo")
    assert {key: run.info.status for key, run in runs.items()} == dict.fromkeys(("k1", "k2", "k3"), "FINISHED")
    assert runs["k3"].info.run_id != killed
    models = client.search_logged_models([experiment_id])
    assert {model.source_run_id for model in models} == {run.info.run_id for run in runs.values()}


def call_in_child(results):
    # A forked child does not need to import MLflow again.
    child = multiprocessing.get_context("fork").Process(target=log_runs, args=(results,), kwargs={"git_commit": None})
    child.start()
    return child


def test_a_process_killed_at_any_moment_leaves_a_store_that_the_next_call_completes(fresh):
    write_dataset(fresh, "demo", svm="k1", forest="k2")
    # It waits for the files of each step instead of a number of seconds, because machines differ.
    for trace in (".mlflow.db.new", "mlflow.db", "mlruns"):
        child = call_in_child(fresh)
        while not Path(trace).exists():
            assert child.is_alive()
        child.kill()
        child.join()
    logged = log_runs(fresh, git_commit=None)
    assert {key: run.info.status for key, run in runs_of(logged, "demo").items()} == {
        "k1": "FINISHED", "k2": "FINISHED"
    }  # fmt: skip


def test_two_calls_at_once_on_a_fresh_store_both_succeed_without_duplicates(fresh):
    write_dataset(fresh, "demo", svm="k1", forest="k2")
    children = [call_in_child(fresh) for _ in range(2)]
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]
    assert set(runs_of(log_runs(fresh, git_commit=None), "demo")) == {"k1", "k2"}


def test_an_experiment_deleted_in_the_ui_comes_back(results):
    import mlflow

    write_dataset(results, "demo", svm="k1")
    logged = log_runs(results, git_commit=None)
    mlflow.MlflowClient(logged["store"]).delete_experiment(logged["experiments"]["demo"]["experiment_id"])
    again = log_runs(results, git_commit=None)
    assert set(runs_of(again, "demo")) == {"k1"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def server(tmp_path):
    """Run a real `mlflow server`, and yield its address."""
    address = f"http://127.0.0.1:{free_port()}"
    folder = tmp_path / "server"
    folder.mkdir()
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        address.split(":")[-1],
    ]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--workers", "1"], cwd=folder, env=os.environ | quiet, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        try:
            while True:
                assert process.poll() is None, (folder / "log").read_text()
                try:
                    urllib.request.urlopen(f"{address}/health").close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield address
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_team_server_works_as_the_local_store_does(fresh, server, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    write_dataset(fresh, "demo", svm="k1", forest="k2")
    logged = log_runs(fresh, git_commit=COMMIT)
    assert logged["store"] == server
    assert log_runs(fresh, git_commit=COMMIT) == logged
    assert set(runs_of(logged, "demo")) == {"k1", "k2"}
    assert not Path("mlflow.db").exists() and not Path("mlruns").exists()

    run_id = logged["experiments"]["demo"]["runs"]["forest@mfcc"]
    np.testing.assert_array_equal(
        mlflow.sklearn.load_model(f"runs:/{run_id}/forest@mfcc").predict(X), PIPELINES["forest"].predict(X)
    )


def test_an_unreachable_server_is_reported_after_a_short_wait(results, monkeypatch, capsys):
    monkeypatch.setattr("songwise.tracking.runs._PATIENCE", 4.0)
    address = f"http://kim:secret@127.0.0.1:{free_port()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    write_dataset(results, "demo", svm="k1")
    start = time.monotonic()
    with pytest.raises(InputError, match="unset MLFLOW_TRACKING_URI") as caught:
        log_runs(results, git_commit=None)
    assert 2 <= time.monotonic() - start < 20
    assert capsys.readouterr().err.count("no answer yet, waiting up to 4 s") == 1
    assert str(caught.value).startswith(f"MLflow store {address.replace(':secret', '')}: ")
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)


def test_a_damaged_store_is_reported_at_once(results):
    Path("mlflow.db").write_text("this is no database" * 100)
    write_dataset(results, "demo", svm="k1")
    start = time.monotonic()
    with pytest.raises(InputError, match=r"mlflow\.db: file is not a database; .*move it away"):
        log_runs(results, git_commit=None)
    assert time.monotonic() - start < 20


def test_a_missing_file_is_reported_and_leaves_no_incomplete_run(results):
    with pytest.raises(InputError, match=r"results: contains no DATASET/leaderboard\.csv"):
        log_runs(results, git_commit=None)
    write_dataset(results, "demo", svm="k1")
    for name in ("params.json", "metrics.json", "confusion_song.png", "bundle/model.skops", "by-song/fit.json"):
        path = results / "demo/models/svm@mfcc" / name
        content = path.read_bytes()
        path.unlink()
        with pytest.raises(InputError, match=path.name):
            log_runs(results, git_commit=None)
        assert runs_in_file() == 0
        path.write_bytes(content)
    assert set(runs_of(log_runs(results, git_commit=None), "demo")) == {"k1"}


def test_the_environment_of_the_caller_does_not_change(results, monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    write_dataset(results, "demo", svm="k1")
    before = dict(os.environ)
    log_runs(results, git_commit=None)
    assert dict(os.environ) == before


def test_the_data_version_is_the_pointers_as_long_as_the_data_are_what_was_shared(results):
    write_dataset(results, "demo", svm="k1")
    first = runs_of(log_runs(results, git_commit=None), "demo")["k1"]
    assert first.data.tags["data_version"] == "data1"

    state = Path("data/raw/demo/shards/0.json")
    state.parent.mkdir(parents=True)
    state.write_text('{"tracks": {}}')
    entry = {"md5": hashlib.md5(state.read_bytes()).hexdigest(), "relpath": "shards/0.json"}
    listing = json.dumps([entry]).encode()
    md5 = hashlib.md5(listing).hexdigest()
    kept = Path(f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}.dir")
    kept.parent.mkdir(parents=True)
    kept.write_bytes(listing)
    Path("data/raw/demo.dvc").write_text(f"outs:\n- md5: {md5}.dir\n  hash: md5\n  path: demo\n")
    write_dataset(results, "demo", svm="k1", forest="k2")
    runs = runs_of(log_runs(results, git_commit=None), "demo")
    assert {key: run.data.tags["data_version"] for key, run in runs.items()} == dict.fromkeys(
        ("k1", "k2"), f"{md5}.dir"
    )
    assert runs["k1"].info.run_id == first.info.run_id

    state.write_text('{"tracks": {"new": {}}}')
    runs = runs_of(log_runs(results, git_commit=None), "demo")
    assert {run.data.tags["data_version"] for run in runs.values()} == {"data1"}


def test_results_of_an_earlier_version_are_reported(results):
    write_dataset(results, "demo", svm="k1")
    path = results / "demo/models/svm@mfcc/params.json"
    path.write_text(path.read_text().replace("data_key", "data_version"))
    with pytest.raises(
        InputError, match=r"params\.json: was written by an earlier version of songwise; run snakemake again"
    ):
        log_runs(results, git_commit=None)
