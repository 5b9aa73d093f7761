"""The start of a run: what each job's parameters depend on."""

import json
import logging
import os
import sys
import time
from pathlib import Path

import pytest
from helpers.project import ROOT, copy_project

from songwise.errors import InputError
from songwise.paths import Run
from songwise.plan.session import Session, check_shown, estimator_libraries, is_real_run, is_report, open_session
from songwise.runtime import provenance


@pytest.fixture
def session(monkeypatch) -> Session:
    """The start of a run on the demo, without running any job."""
    monkeypatch.chdir(ROOT)
    config = {"dataset": "demo", "models": ["knn@jlaoo26", "xgboost@jlaoo26", "voting"]}
    return open_session(config, real=False, say=print)


@pytest.mark.parametrize(
    ("words", "real"),
    [
        ("snakemake", True),
        ("snakemake --cores 2 --config dataset=demo", True),
        ("snakemake -n", False),
        ("snakemake -nq", False),
        ("snakemake --dry-run --cores 1", False),
        ("snakemake --lint", False),
        ("snakemake --report report.html", False),
        ("snakemake --report=report.zip", False),
        ("snakemake --unlock", False),
        ("snakemake --cores 1 --until make_splits", True),
    ],
)
def test_only_commands_that_execute_jobs_are_real_runs(words, real):
    assert is_real_run(words.split()) is real
    assert is_report(words.split()) is ("--report" in words)


def test_another_version_of_an_estimators_library_retrains_its_models_alone(session, monkeypatch):
    def codes() -> dict[str, str]:
        for cached in (provenance.code_of, provenance.closure_of):
            cached.cache_clear()
        return {run.model: session.training_code(run) for run in session.plan.runs} | {
            f"figures of {run}": code for run, code in session.figures_code().items()
        }

    before, version = codes(), provenance._version
    monkeypatch.setattr(provenance, "_version", lambda name: "99" if name == "xgboost" else version(name))
    after = codes()
    assert {name for name in before if before[name] != after[name]} == {"xgboost", "figures of xgboost@jlaoo26"}
    monkeypatch.setattr(provenance, "_version", lambda name: "99" if name == "sklearn" else version(name))
    assert not set(before.values()) & set(codes().values())


TABLE = """\
name: numbers
label: register
source: {type: table, table: numbers.csv, song: "^([^.]+)"}
split: {folds: 2, repeats: 1}
"""


def test_a_real_run_dates_files_of_the_future_back(tmp_path, monkeypatch):
    copy_project(tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    Path("numbers.yaml").write_text(TABLE)
    rows = [f"{label}{n}.0.wav,{n},{label}" for label in ("high", "low") for n in range(4)]
    Path("numbers.csv").write_text("\n".join(["filename,tempo,label", *rows]) + "\n")
    files = ["results/numbers/tracks.csv", "data/clips/numbers/0.clips.csv", "logs/numbers/make_splits.log"]
    files += ["numbers.csv", "workflow/scripts/train_model.py", "results/other/tracks.csv"]
    for name in files:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
        os.utime(name, (time.time() + 3600,) * 2)
    open_session({"dataset": "numbers.yaml", "models": ["majority"], "min_songs": 2}, real=True, say=print).lock.close()
    assert [name for name in files if Path(name).stat().st_mtime > time.time()] == ["results/other/tracks.csv"]


@pytest.fixture
def codes_after_an_edit(monkeypatch):
    """A function that gives what `codes()` returns after an edit of a module."""
    scan = provenance._scan

    def forget() -> None:
        for cached in (provenance.code_of, provenance.closure_of):
            cached.cache_clear()

    def edit(codes, module: str = "") -> dict[str, str]:
        monkeypatch.setattr(
            provenance, "_scan", lambda name: scan(name)._replace(code="edited") if name == module else scan(name)
        )
        forget()
        return codes()

    yield edit
    forget()


@pytest.mark.parametrize(
    ("module", "trained", "inner", "figures"),
    [
        ("models.fusion", {"fusion_light"}, set(), {"fusion_light"}),
        ("models.fuse", {"fusion_light"}, set(), {"fusion_light"}),
        ("models.inner_predictions", set(), {"knn", "lda_shrinkage"}, {"fusion_light"}),
        ("models.pooled_lda", set(), set(), set()),
    ],
)
def test_code_of_the_fusion_changes_fusions_alone(monkeypatch, codes_after_an_edit, module, trained, inner, figures):
    monkeypatch.chdir(ROOT)
    models = ["fusion_light@fused_light", "lda_shrinkage@mfcccov", "knn@jlaoo26"]
    session = open_session({"dataset": "demo", "models": models}, real=False, say=print)

    def codes() -> dict[str, str]:
        runs = session.plan.runs
        found = {f"training {run.model}": session.training_code(run) for run in runs}
        found |= {f"inner {run.model}": session.inner_code(run) for run in runs[1:]}
        return found | {f"figures {Run.parse(run).model}": code for run, code in session.figures_code().items()}

    before, after = codes_after_an_edit(codes), codes_after_an_edit(codes, module)
    wanted = {"training": trained, "inner": inner, "figures": figures}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {f"{step} {model}" for step, models in wanted.items() for model in models}


def test_the_libraries_of_an_ensemble_are_those_of_its_members():
    member = {"estimator": "xgboost.XGBClassifier", "members": {}, "final": None}
    ensemble = {"estimator": "sklearn.ensemble.VotingClassifier", "members": {"a": member}, "final": None}
    assert estimator_libraries(ensemble) == ("sklearn", "xgboost")


def test_training_does_not_depend_on_titles(session):
    assert "title" in session.plan.presets["jlaoo26"] and "title" not in session.presets["jlaoo26"]
    assert '"title"' not in json.dumps([session.plan.model_of(str(run)) for run in session.plan.runs])


def test_a_first_run_has_one_pass(session):
    if not (ROOT / "data/features/demo").exists():
        assert session.passes("extract_features") == {"extract_features": list(session.plan.tables)}
    assert session.passes("embed_clips") == {}


def test_files_of_features_carry_the_key_of_their_preset(session):
    (table,) = session.feature_files(["jlaoo26"])
    assert table.startswith("data/features/{dataset}/jlaoo26/") and table.endswith("/{shard}.parquet")
    assert session.frame_files(["jlaoo26"]) == []


def test_a_shown_track_must_exist(session):
    check_shown("per-class", session.tracks)
    with pytest.raises(InputError, match="did you mean 'copper_foxes-amber_ocean'"):
        check_shown(["copper_foxes-amber_ocan"], session.tracks)


def test_runs_are_split_and_joined_in_one_place():
    assert Run.parse("knn@jlaoo26") == Run("knn", "jlaoo26") and str(Run("knn", "jlaoo26")) == "knn@jlaoo26"
    assert Run.parse("knn") == Run("knn", "") and str(Run.parse("knn")) == "knn"
