"""The checks of a soak find what they are there for."""

import json

import pytest
from helpers.finished import SONGS, WRONG, make_finished

from soak.invariants import check_nothing_to_do, check_refusal, check_results, check_success
from soak.project import Done, Project, read_yaml, write_yaml
from songwise.files import read_rows, write_rows


@pytest.fixture
def project(tmp_path) -> Project:
    """A project with a finished run, whose configuration lists all of its models."""
    project = Project(make_finished(tmp_path / "project", files=False), tmp_path)
    presets = {model: [run.split("@")[1] for run in WRONG if run.startswith(f"{model}@")] for model in models()}
    for model, features in presets.items():
        path = project.folder / f"config/models/{model}.yaml"
        write_yaml(path, read_yaml(path) | {"features": features})
    project.change_config(dataset="tones", models=models())
    write_rows(project.results / "clips.csv", ["track_id", "status"], [{"track_id": s, "status": "ok"} for s in SONGS])
    return project


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
