"""The checks of a soak find what they are there for."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest
from helpers.finished import BEST, SONGS, WRONG, make_finished
from mlflow import MlflowClient

from soak.invariants import (
    check_nothing_to_do,
    check_refusal,
    check_results,
    check_store,
    check_success,
    compare_results,
    compare_stores,
)
from soak.project import Done, Project, read_yaml, write_yaml
from songwise.files import read_rows, write_rows


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Project:
    """A project with a finished run, whose configuration lists all of its models, and with their runs in MLflow."""
    folder = tmp_path_factory.mktemp("finished")
    project = Project(make_finished(folder / "project", files=False), folder)
    presets = {model: [run.split("@")[1] for run in WRONG if run.startswith(f"{model}@")] for model in models()}
    for model, features in presets.items():
        path = project.folder / f"config/models/{model}.yaml"
        write_yaml(path, read_yaml(path) | {"features": features})
    project.change_config(dataset="tones", models=models())
    write_rows(project.results / "clips.csv", ["track_id", "status"], [{"track_id": s, "status": "ok"} for s in SONGS])
    log(project)
    return project


def log(project: Project) -> None:
    client = MlflowClient(f"sqlite:///{project.folder / 'mlflow.db'}")
    experiment = client.create_experiment("tones")
    for name in WRONG:
        folder = project.results / "models" / name
        metrics = json.loads((folder / "metrics.json").read_text())
        key = json.loads((folder / "params.json").read_text())["run_key"]
        run = client.create_run(experiment, tags={"run_key": key}, run_name=name).info.run_id
        client.log_metric(run, "song_accuracy", round(metrics["song_accuracy"], 4))
        client.log_metric(run, "votes_clip_accuracy", round(metrics["clip_accuracy"], 4))
        client.log_metric(run, "test_n_songs", metrics["n_songs"])
        client.set_terminated(run)
        if name == BEST:
            card = project.results / "champion/card.json"
            card.write_text(json.dumps(json.loads(card.read_text()) | {"run_key": key}))


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of it, which a test may change."""
    return Project(shutil.copytree(finished.folder, tmp_path / "project"), tmp_path)


def models() -> list[str]:
    return list(dict.fromkeys(run.split("@")[0] for run in WRONG))


def test_results_of_what_is_there_pass(project):
    check_results(project)


def test_a_model_that_is_not_listed_is_found(project):
    project.change_config(models=models()[1:])
    with pytest.raises(AssertionError, match=r"leaderboard\.csv: .*lda_shrinkage"):
        check_results(project)


def test_a_song_that_is_gone_is_found_in_every_table(project):
    tracks = read_rows(project.results / "tracks.csv")
    write_rows(project.results / "tracks.csv", tracks[0], tracks[1:])
    with pytest.raises(AssertionError, match="high 00"):
        check_results(project)


def test_a_figure_of_another_run_is_found(project):
    path = project.results / "models/knn@mfcccov/metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"song_accuracy": 0.123}))
    with pytest.raises(AssertionError, match=r"knn@mfcccov: song_accuracy of metrics\.json and leaderboard\.csv"):
        check_results(project)


def sql(project: Project, statement: str) -> None:
    with closing(sqlite3.connect(project.folder / "mlflow.db")) as store, store:
        assert store.execute(statement).rowcount > 0


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE latest_metrics SET value = 0.1 WHERE key = 'song_accuracy'", "song_accuracy of"),
        ("UPDATE latest_metrics SET value = 3 WHERE key = 'test_n_songs'", "songs of"),
        ("UPDATE runs SET status = 'RUNNING' WHERE name LIKE 'knn%'", "unfinished"),
        ("UPDATE runs SET lifecycle_stage = 'deleted' WHERE name LIKE 'majority%'", "current runs"),
        ("UPDATE tags SET value = 'other' WHERE key = 'run_key'", "current runs"),
        ("INSERT INTO tags SELECT 'stale', 'true', run_uuid FROM runs WHERE name LIKE 'majority%'", "current runs"),
    ],
)
def test_a_store_that_differs_from_the_results_is_found(project, statement, said):
    check_store(project)
    sql(project, statement)
    with pytest.raises(AssertionError, match=said):
        check_store(project)


def test_results_and_stores_that_differ_from_those_of_a_fresh_run_are_found(project, tmp_path):
    fresh = Project(shutil.copytree(project.folder, tmp_path / "fresh"), tmp_path)
    compare_results(project, fresh)
    compare_stores(project, fresh)
    sql(fresh, "UPDATE latest_metrics SET value = 0.1 WHERE key = 'song_accuracy'")
    with pytest.raises(AssertionError, match=r"metrics \['song_accuracy'\]"):
        compare_stores(project, fresh)
    path = fresh.results / "tracks.csv"
    path.write_text(path.read_text().replace("high 00", "high 99"))
    with pytest.raises(AssertionError, match=r"tracks\.csv differs"):
        compare_results(project, fresh)
    (project.results / "tracks.csv").unlink()
    with pytest.raises(AssertionError, match=r"a fresh run has tracks\.csv as well"):
        compare_results(project, fresh)


def test_the_words_of_a_run_are_judged():
    check_success(Done(0, "1 of 1 steps"))
    check_nothing_to_do(Done(0, "Nothing to be done: everything is up to date."))
    check_refusal(Done(1, "songwise: x.yaml: sedd is not a key"), "sedd")
    for check, done in (
        (check_success, Done(1, "")),
        (check_success, Done(0, "Traceback (most recent call last)")),
        (check_nothing_to_do, Done(0, "1 of 1 steps")),
    ):
        with pytest.raises(AssertionError):
            check(done)
    for done in (Done(0, "songwise: sedd"), Done(1, "sedd"), Done(1, "songwise: KeyError (this is a bug of songwise;")):
        with pytest.raises(AssertionError):
            check_refusal(done, "sedd")
