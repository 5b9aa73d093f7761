"""The command `songwise`: what each command prints, and its exit code."""

import threading

import pytest
from helpers.hearing import add_network, copy_config

from songwise.acquire import session
from songwise.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project whose only network is a small one without an address that answers, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(session, "_BACKOFF", 0.01)
    monkeypatch.setattr(session, "_THREAD", threading.local())
    monkeypatch.chdir(copy_config(tmp_path))
    for path in (tmp_path / "config" / "networks").glob("*.yaml"):
        path.unlink()
    add_network(tmp_path, url="http://127.0.0.1:9/tiny.onnx")
    return tmp_path


def test_weights_are_fetched_from_a_mirror(folder, capsys):
    assert main(["weights", "--mirror", "mirror"]) == 0
    first, ready = capsys.readouterr().err.splitlines()
    assert first == "songwise: fetching the weights of tiny (0 MB; none, this test)"
    assert ready.startswith(f"songwise: tiny is ready: {folder}/cache/songwise/networks/") and ready.endswith("(none)")
    assert main(["weights", "tiny"]) == 0
    assert capsys.readouterr().err.splitlines() == [ready], "nothing is fetched twice"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tiny"], "the weights of tiny are not available: failed: 127.0.0.1:9: the connection was refused, 4 times"),
        (["tinny"], "network 'tinny': there is no file config/networks/tinny.yaml; did you mean 'tiny'?"),
        (["--mirror", "nowhere"], "config: mirror: there is no folder 'nowhere' (expected a folder or an http(s) URL)"),
    ],
)
def test_weights_that_cannot_be_had_end_with_one_sentence(folder, capsys, words, message):
    assert main(["weights", *words]) == 1
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1] == f"songwise: {message}" and captured.out == ""


def test_weights_outside_a_project_say_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["weights"]) == 1
    assert "config/networks has no files; run the command in the project's folder" in capsys.readouterr().err


def test_an_unknown_option_of_weights_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["weights", "--all"])
    assert caught.value.code == 2 and "unrecognized arguments: --all" in capsys.readouterr().err
