"""`songwise doctor`: one line per check, and a remedy for each problem."""

import shutil
from pathlib import Path

import pytest

from songwise.commands import doctor
from songwise.runtime.lock import claim


@pytest.fixture
def lines(run, project, root, monkeypatch, tmp_path):
    """Run the command, and return the exit code and the state and text of each check."""
    shutil.copy(root / "requirements.lock", project)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def answer():
        done = run("doctor")
        cells = [line.split(None, 2) for line in done.out.splitlines()]
        return done.code, {name: (state, text) for state, name, text in cells}

    return answer


def test_a_good_machine_has_no_problems(lines):
    code, found = lines()
    assert code == 0 and not [name for name, (state, _) in found.items() if state == "problem"]
    for name in ("python", "songwise", "ffmpeg", "snakemake", "dvc", "mlflow", "disk", "folder", "run", "runs"):
        assert found[name][0] in ("ok", "note") and found[name][1]
    assert found["musicnn"] == (
        "note",
        "its weights are not here; models on it fetch them, or: songwise weights musicnn",
    )


def test_other_versions_than_the_lock_are_noted(lines, project):
    lock = project / "requirements.lock"
    lock.write_text("scikit-learn==0.1 \\\n    --hash=sha256:00\n")
    assert lines()[1]["packages"][0] == "note" and "instead of 0.1. Run make env" in lines()[1]["packages"][1]


def test_a_damaged_store_and_a_missing_snakefile_are_problems(lines, project):
    Path("mlflow.db").write_text("not a database")
    Path("Snakefile").unlink()
    code, found = lines()
    assert code == 1
    assert found["runs"][0] == "problem" and "move it away" in found["runs"][1]
    assert found["folder"][0] == "problem" and "has no Snakefile" in found["folder"][1]


def test_a_live_run_is_noted(lines):
    with claim(Path()):
        state, text = lines()[1]["run"]
    assert state == "note" and "process" in text


def test_a_tool_that_cannot_be_imported_is_a_problem(lines, monkeypatch, tmp_path):
    (tmp_path / "broken_tool.py").write_text("raise RuntimeError('half installed')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(doctor, "_TOOLS", ("broken_tool",))
    code, found = lines()
    assert code == 1 and found["broken_tool"][0] == "problem" and "half installed" in found["broken_tool"][1]


def test_a_cluster_is_noted_where_there_is_one(lines, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert "slurm" not in lines()[1]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sbatch").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "sbatch").chmod(0o755)
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    assert lines()[1]["slurm"] == (
        "note",
        "sbatch is here; make slurm installs what sends jobs to it (docs/cluster.md)",
    )
