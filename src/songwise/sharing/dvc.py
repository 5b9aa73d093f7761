"""DVC's commands as a user would type them, with what goes wrong said in words of this project."""

import os
import re
import subprocess
import sys
import termios

from songwise.errors import InputError

ADD_REMOTE = (
    "DVC knows no remote yet; add your team's once: dvc remote add --default team s3://bucket/songwise "
    "(or a folder, ssh://..., https://...)"
)
_READ_ONLY = "the remote is read-only: its server takes no uploads (it answers {0}); push to another with --remote NAME"
_PACKAGE = "remotes on {0} need a package that is not installed: pip install {1}"
_NO_GIT = "DVC needs the project to be a git repository: git init, or clone it with git"
_EXTRAS = {"dvc-s3": "-e '.[s3]'"}  # the packages that an extra of ours holds to a range


def dvc(*words: str) -> str:
    """Run `dvc` with these words, its progress bars shown where stderr is a terminal.

    Returns
    -------
    What it said, on stdout and stderr.

    Raises
    ------
    InputError : it failed.
    """
    # An upload or download that outlived its killed command holds DVC's lock until it is done.
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", *words]
    environment = os.environ | {"DVC_NO_ANALYTICS": "1"}
    run = _run_on_terminal if sys.stderr.isatty() else _run_quietly
    code, said = run(command, environment)
    if code:
        raise InputError(in_words(said, " ".join(["dvc", *words])))
    return said


def in_words(said: str, command: str) -> str:
    """What to tell the user about a command of DVC's that failed with these lines."""
    lacking = re.search(r"(\w+) is supported, but requires '([\w-]+)' to be installed", said)
    if lacking:
        return _PACKAGE.format(lacking[1], _EXTRAS.get(lacking[2], lacking[2]))
    if re.search("no remote specified|No remote provided", said):
        return ADD_REMOTE
    if "not inside of a DVC repository" in said or "not a git repository" in said:
        return _NO_GIT
    refused = re.search(r"\b(40[135]|501), message=", said)
    if refused and command.startswith("dvc push"):
        return _READ_ONLY.format(refused[1])
    errors = re.findall(r"ERROR(?:\x1b\[\d*m)*: (?:unexpected error - )?(.+)", said)
    return f"{command}: {'; '.join(errors[:2]).strip() or 'it failed without a word'}"


def _run_quietly(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def _run_on_terminal(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    # DVC draws bars on a terminal only, and its errors are to be read here, so it gets a terminal of its own.
    ours, its = os.openpty()
    termios.tcsetwinsize(its, termios.tcgetwinsize(sys.stderr.fileno()))
    running = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=its
    )
    os.close(its)
    said = b""
    while chunk := _read(ours):
        said += chunk
        if b"ERROR" not in said:
            sys.stderr.write(chunk.decode(errors="replace"))
            sys.stderr.flush()
    os.close(ours)
    return running.wait(), said.decode(errors="replace")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 12)
    except OSError:  # how Linux says that the other end is closed
        return b""
