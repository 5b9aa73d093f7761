"""Other programs as child processes whose output is read here."""

import subprocess
from collections.abc import Mapping


def run_quietly(command: list[str], environment: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a program without input, and show nothing of its output.

    Parameters
    ----------
    command : list of str
        The program and its arguments.
    environment : mapping of str to str, optional
        Its environment variables. By default those of this process.

    Returns
    -------
    code : int
        Its exit code.
    output : str
        What it wrote to stdout and stderr.
    """
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
