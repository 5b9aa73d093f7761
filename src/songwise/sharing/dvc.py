"""DVC's commands as a user would type them, with errors explained in terms of this project."""

import os
import re
import subprocess
import sys
import termios

from songwise.errors import InputError
from songwise.sharing.program import run_quietly

ADD_REMOTE = (
    "DVC has no remote yet. Add your team's once: dvc remote add --default team s3://bucket/songwise "
    "(or a folder, ssh://..., https://...)"
)
_READ_ONLY = "the remote is read-only: its server rejects uploads (it answers {0}). Push to another with --remote NAME"
_PACKAGE = "remotes on {0} need a package that is not installed: pip install {1}"
_NO_GIT = "DVC needs the project to be a git repository: git init, or clone it with git"
_STORE = {  # parts of the messages of S3's client, and what to do
    "Unable to locate credentials": "there are no keys for S3. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
    "AWS_PROFILE to a profile in ~/.aws",
    "NoSuchBucket": "there is no bucket of this name. Create it, or correct the remote: dvc remote modify NAME url "
    "s3://bucket/songwise",
    "InvalidAccessKeyId": "S3 does not know the key in AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "S3 does not accept the key in AWS_SECRET_ACCESS_KEY",
    "AccessDenied": "these keys may not use the bucket. Ask its owner for the permissions to list, read and write",
    "Could not connect to the endpoint URL": "the S3 server does not answer. AWS_ENDPOINT_URL, or the remote's "
    "endpointurl, names servers other than Amazon's",
}
_EXTRAS = {"dvc-s3": "-e '.[s3]'"}  # packages whose version an extra of songwise restricts


def dvc(*words: str) -> str:
    """Run a command of DVC, with its progress bars if stderr is a terminal.

    Parameters
    ----------
    *words : str
        The command, such as "push", and its arguments.

    Returns
    -------
    str
        Its output on stdout and stderr.

    Raises
    ------
    InputError
        If it fails.
    """
    # An upload or download that survives its killed command keeps DVC's lock until it is done.
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", *words]
    environment = os.environ | {"DVC_NO_ANALYTICS": "1"}
    run = _run_on_terminal if sys.stderr.isatty() else run_quietly
    code, output = run(command, environment)
    if code:
        raise InputError(explain_failure(output, " ".join(["dvc", *words])))
    return output


def explain_failure(output: str, command: str) -> str:
    """Return the message for the user about a failed command of DVC.

    Parameters
    ----------
    output : str
        What DVC wrote.
    command : str
        The command, such as "dvc push".

    Returns
    -------
    str
        What to do if the error is a known one, else DVC's own message.
    """
    missing = re.search(r"(\w+) is supported, but requires '([\w-]+)' to be installed", output)
    if missing:
        return _PACKAGE.format(missing[1], _EXTRAS.get(missing[2], missing[2]))
    if re.search("no remote specified|No remote provided", output):
        return ADD_REMOTE
    if "not inside of a DVC repository" in output or "not a git repository" in output:
        return _NO_GIT
    if (problem := next((problem for part, problem in _STORE.items() if part in output), None)) is not None:
        return f"{command}: {problem}"
    refused = re.search(r"\b(40[135]|501), message=", output)
    if refused and command.startswith("dvc push"):
        return _READ_ONLY.format(refused[1])
    errors = re.findall(r"ERROR(?:\x1b\[\d*m)*: (?:unexpected error - )?(.+)", output)
    return f"{command}: {'; '.join(errors[:2]).strip() or 'it failed without an error message'}"


def _run_on_terminal(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    # DVC shows progress bars on a terminal only, and its errors must be read here, so it gets its own terminal.
    ours, its = os.openpty()
    termios.tcsetwinsize(its, termios.tcgetwinsize(sys.stderr.fileno()))
    running = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=its
    )
    os.close(its)
    output = b""
    while chunk := _read(ours):
        output += chunk
        if b"ERROR" not in output:
            sys.stderr.write(chunk.decode(errors="replace"))
            sys.stderr.flush()
    os.close(ours)
    return running.wait(), output.decode(errors="replace")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 12)
    except OSError:  # Linux's sign that the other end is closed
        return b""
