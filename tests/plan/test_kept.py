"""Models of earlier runs are ranked again only if nothing that their figures depend on has changed."""

import shutil
from dataclasses import replace

import pytest
from helpers.project import ROOT

from songwise.datasets.track import Track
from songwise.evaluation.leaderboard import data_key
from songwise.files import write_json, write_rows
from songwise.paths import model_folder, results_folder
from songwise.plan.kept import Kept, find_kept
from songwise.plan.plan import load_plan
from songwise.plan.run_params import run_params
from songwise.splits.protocols import RANDOM_CLIPS

PROTOCOLS = ["by-song", RANDOM_CLIPS]
RUN = "lda@mfcccov"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A project in which the models of `before` have been evaluated."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    tracks = results_folder("demo") / "tracks.csv"
    write_tracks(tracks, "sha")
    before = a_plan(["knn@mfcccov", RUN])
    for run, params in params_of(before).items():
        folder = model_folder(results_folder("demo"), run)
        write_json(folder / "params.json", params | {"data_key": data_key(tracks), "run_key": "r"})
        (folder / "bundle").mkdir()
        for protocol in PROTOCOLS:
            (folder / protocol).mkdir()
            (folder / protocol / "predictions.csv").touch()
    return tmp_path


def write_tracks(path, sha256: str) -> None:
    row = {"track_id": "a", "label": "high", "song": "a", "sha256": sha256, "status": "ok"}
    write_rows(path, list(row), [row])


def a_plan(models, **config):
    return replace(load_plan({"dataset": "demo", "models": models} | config, ROOT), protocols=PROTOCOLS)


def params_of(plan, code="code", tracks=()):
    return run_params(plan, list(tracks), {str(run): code for run in plan.runs})


def none(plan) -> list[str]:
    return []


def kept(models=("knn@mfcccov",), *, params=params_of, missing=none, outdated=none, **config) -> Kept:
    return find_kept(a_plan(list(models), **config), params, missing, outdated)


def test_the_models_of_an_earlier_run_are_rows_beside_those_of_this_run():
    found = kept()
    assert list(found.params) == [RUN] and found.stale == {}
    assert list(map(str, found.ranked.runs)) == ["knn@mfcccov", RUN]
    assert found.ranked.model_of(RUN)["estimator"].endswith("LinearDiscriminantAnalysis")
    assert found.ranked.parts["mfcccov"] == ["mfcccov"]


def test_without_earlier_models_the_plan_is_that_of_the_run():
    found = kept(["knn@mfcccov", RUN])
    assert (found.params, found.stale) == ({}, {}) and len(found.ranked.runs) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seed": 3}, "trained with another seed"),
        ({"clip": {"seconds": 5}}, "trained on other clips"),
        ({"params": lambda plan: params_of(plan, code="other")}, "songwise or a library has changed"),
        ({"params": lambda plan: params_of(plan, tracks=[Track("a", "high", stop="9")])}, "trained on other clips"),
        ({"missing": lambda plan: ["mfcccov"]}, "the features of mfcccov are missing"),
        ({"outdated": lambda plan: ["mfcccov"]}, "the features of mfcccov are older than the clips"),
    ],
)
def test_a_model_that_a_change_concerns_is_stale(change, reason):
    found = kept(**change)
    assert found.params == {} and list(map(str, found.ranked.runs)) == ["knn@mfcccov"]
    assert reason in found.stale[RUN]


def test_old_features_of_other_data_are_no_reason_because_the_rule_gives_one(project):
    """Or it would run once more after the run that made the clips."""
    tracks = results_folder("demo") / "tracks.csv"
    write_tracks(tracks, "other")
    assert list(kept(outdated=lambda plan: ["mfcccov"]).params) == [RUN]
    assert kept(missing=lambda plan: ["mfcccov"]).params == {}
    for damaged in ("track_id,st", "", "\0"):
        tracks.write_text(damaged)
        kept(outdated=lambda plan: ["mfcccov"])
    tracks.unlink()
    assert list(kept(outdated=lambda plan: ["mfcccov"]).params) == [RUN]


def test_an_edited_model_is_stale_and_so_is_one_without_file_or_predictions(project):
    model = project / "config/models/lda.yaml"
    text = model.read_text()
    model.write_text(text + "parameters:\n  solver: lsqr\n")
    assert kept().stale == {RUN: "the model's settings have changed"}
    model.unlink()
    assert "lda" in kept().stale[RUN]
    model.write_text(text)
    assert kept().stale == {}
    (model_folder(results_folder("demo"), RUN) / RANDOM_CLIPS / "predictions.csv").unlink()
    assert kept().stale == {RUN: "not tested under random-clips"}
    (model_folder(results_folder("demo"), RUN) / "params.json").write_text("{")
    assert kept().stale == {RUN: "its params.json cannot be read"}
