"""The command `songwise`: what each command prints, and its exit code."""

import json
import re
import subprocess
import sys
import threading
from importlib.metadata import version
from importlib.util import find_spec

import pytest
from helpers.hearing import add_network, copy_config
from helpers.project import ordinary_environment

from songwise.acquire import session
from songwise.cli import main
from songwise.commands.parser import GROUPS

COMMANDS = [command for commands in GROUPS.values() for command in commands]


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
        (
            ["--mirror", "nowhere"],
            "config: mirror: there is no folder 'nowhere' (expected a folder, an http(s) URL or s3://BUCKET/PREFIX)",
        ),
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


def test_alone_it_lists_all_commands_in_groups(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    places = [out.index(f"\n{title}:\n") for title in GROUPS]
    assert places == sorted(places)
    for command in COMMANDS:
        assert re.search(rf"^  {command.name} +{re.escape(command.help)}$", out, re.M)
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0 and capsys.readouterr().out == out


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0 and capsys.readouterr().out == f"songwise {version('songwise')}\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_each_command_has_a_module_and_an_example_that_it_accepts(command, capsys):
    assert find_spec(f"songwise.commands.{command.module}")
    with pytest.raises(SystemExit) as caught:
        main([command.name, "--help"])
    out = capsys.readouterr().out
    assert caught.value.code == 0 and f"example:\n  {command.example}" in out
    words = command.example.partition(" > ")[0].split()
    assert words[:2] == ["songwise", command.name]
    from songwise.commands.parser import make_parser

    assert make_parser().parse_args(words[1:]).module == command.module


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["shwo"], "there is no command 'shwo'; did you mean 'show'?"),
        (["clasify", "a.mp3"], "there is no command 'clasify'; did you mean 'classify'?"),
        (["xyzxyz"], "there is no command 'xyzxyz'; songwise --help lists all"),
    ],
)
def test_an_unknown_command_gets_a_suggestion(words, message, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err == f"songwise: {message}\n"


def test_help_imports_nothing_heavy():
    code = "import sys; from songwise.cli import main; main([]); import json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    assert not modules & {"numpy", "pandas", "sklearn", "mlflow", "pydantic", "yaml", "requests", "songwise.paths"}


def test_a_reader_that_has_seen_enough_is_no_error(folder):
    (folder / "Snakefile").touch()
    command = [sys.executable, "-m", "songwise", "list", "groups", "--json"]
    # The pipe is closed before anything is printed.
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, env=ordinary_environment()) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait(60) == 0
