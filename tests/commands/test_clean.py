"""`songwise clean`: only what songwise generated is removed, and only when the user agrees."""

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.finished import make_finished
from helpers.project import ordinary_environment

from songwise.runtime.lock import claim

GENERATED = ("data/clips", "data/features", "data/rows", "logs", "results/_dvc/figures")

VIEW = {"best": ".json", "models": ".json", "songs": ".csv"}


@pytest.fixture
def generated(project):
    for folder in GENERATED:
        for name in ("tones", "other"):
            (project / folder / name).mkdir(parents=True)
            (project / folder / name / "a.txt").write_text("x" * 1000)
    for kind, ending in VIEW.items():
        Path("results/_dvc", kind).mkdir()
        for name in ("tones", "other"):
            Path(f"results/_dvc/{kind}/{name}{ending}").touch()
    return project


def files() -> set[str]:
    return {str(path) for path in Path().rglob("*") if path.is_file() and ".snakemake" not in path.parts}


def test_everything_generated_is_removed_and_nothing_else(generated, run):
    before = files()
    done = run("clean", "tones", "--yes")
    assert done.code == 0 and "results/tones" in done.out
    gone = before - files()
    roots = ("results/tones/", *(f"{folder}/tones/" for folder in GENERATED))
    roots += tuple(f"results/_dvc/{kind}/tones{ending}" for kind, ending in VIEW.items())
    assert gone == {name for name in before if name.startswith(roots)}
    assert Path("data/raw/tones/audio/high 00.wav").is_file() and not Path("results/tones").exists()


def test_nothing_is_removed_if_nobody_can_be_asked(generated, run, monkeypatch):
    before = files()
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        done = run("clean", "tones")
    assert (done.code, files()) == (1, before) and done.err.endswith("add --yes\n")


@pytest.mark.parametrize(("answer", "remains"), [("n", True), ("", True), ("y", False)])
def test_a_person_is_asked(answer, remains, generated):
    leader, follower = pty.openpty()
    os.write(leader, f"{answer}\n".encode())
    command = [sys.executable, "-m", "songwise", "clean", "tones"]
    done = subprocess.run(
        command, stdin=follower, capture_output=True, text=True, env=ordinary_environment(), check=True
    )
    os.close(leader)
    os.close(follower)
    assert "Remove them? [y/N]" in done.stdout
    assert Path("results/tones").exists() == remains and ("nothing is removed" in done.stderr) == remains


def test_a_link_is_removed_and_not_followed(project, run, tmp_path):
    shutil.move("results/tones", tmp_path / "elsewhere")
    Path("results/tones").symlink_to(tmp_path / "elsewhere")
    assert run("clean", "tones", "--yes").code == 0
    assert not Path("results/tones").is_symlink() and (tmp_path / "elsewhere/headline.json").is_file()


def test_during_a_run_nothing_is_removed(project, run):
    with claim(Path()):
        done = run("clean", "tones", "--yes")
    assert done.code == 1 and "a run is active in this folder (process" in done.err
    assert Path("results/tones/headline.json").is_file()


@pytest.mark.parametrize("name", ["../project", "_dvc", ".", "..", "results/tones", ""])
def test_what_is_no_name_of_a_data_set_is_refused(name, project, run):
    Path("results/_dvc/best").mkdir(parents=True)
    before = files()
    done = run("clean", name, "--yes")
    assert (done.code, files()) == (1, before) and "is not the name of a data set" in done.err


def test_a_wrong_name_gets_a_suggestion(project, run):
    assert (
        run("clean", "tone", "--yes").err == "songwise: songwise generated nothing for 'tone'; did you mean 'tones'?\n"
    )
    assert run("clean", "gtzan", "--yes").err == "songwise: songwise generated nothing for 'gtzan'\n"


def test_a_cleaned_project_can_be_filled_again(project, run):
    run("clean", "tones", "--yes")
    make_finished(Path(), files=False)
    assert run("show").code == 0
