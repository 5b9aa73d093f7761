"""The command `songwise`, as a user types it."""

import json
import subprocess
import sys
from pathlib import Path

from helpers.project import ordinary_environment

_BATCH = """
import contextlib, io, json, sys
from songwise.cli import main
for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


def songwise(folder: Path, *words: object, given: str | None = None) -> subprocess.CompletedProcess:
    """Run one command in a project's folder, with lines for its standard input."""
    return _run(folder, [sys.executable, "-m", "songwise", *map(str, words)], given)


def run_commands(folder: Path, *commands: list | tuple) -> list[subprocess.CompletedProcess]:
    """Run several commands one after the other in one process, which imports everything once."""
    listed = [list(map(str, words)) for words in commands]
    done = _run(folder, [sys.executable, "-c", _BATCH, json.dumps(listed)], None)
    assert done.returncode == 0, done.stderr
    ends = map(json.loads, done.stdout.splitlines())
    return [subprocess.CompletedProcess(words, *end) for words, end in zip(listed, ends, strict=True)]


def answers(done: subprocess.CompletedProcess) -> list[dict]:
    """Return the JSON objects that a command printed, one per line."""
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _run(folder: Path, command: list[str], given: str | None) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, input=given, env=ordinary_environment(), check=False
    )
