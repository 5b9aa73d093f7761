"""A project with a finished run, and a command in it."""

import shutil
from typing import NamedTuple

import pytest
from helpers.finished import make_finished

from songwise.cli import main


class Answer(NamedTuple):
    """What a command ended with."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    return make_finished(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def project(finished, tmp_path, monkeypatch):
    """A copy of the project, which is the current folder."""
    folder = shutil.copytree(finished, tmp_path / "project")
    monkeypatch.chdir(folder)
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def run(capsys):
    """Run a command in the current folder, and return its exit code, stdout and stderr."""

    def run_command(*words: object) -> Answer:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Answer(code, *capsys.readouterr())

    return run_command


@pytest.fixture
def no_browser(tmp_path, monkeypatch):
    """A browser that writes down what it is asked to open, into the file that this fixture returns."""
    opened, program = tmp_path / "opened.txt", tmp_path / "browser.sh"
    program.write_text(f'#!/bin/sh\nprintf "%s" "$1" > "{opened}"\n')
    program.chmod(0o755)

    def install():
        monkeypatch.setenv("BROWSER", f"{program} %s")
        return opened

    return install
