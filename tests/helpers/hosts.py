"""Processes that run as if on another host, and on a file system whose locks do nothing."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

NO_LOCKS = "import fcntl\nfcntl.flock = lambda *_: None\n"


def start_on(host: str, code: str, folder: Path, **options) -> subprocess.Popen:
    """Start a Python program on a machine of another name that shares all folders with this one."""
    words = ["unshare", "--uts"]
    try:
        tried = subprocess.run([*words, "true"], capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"needs unshare, to be a host of another name: {error}")
    if tried.returncode:
        pytest.skip(f"needs the right to be a host of another name: {tried.stderr.strip()}")
    script = 'hostname "$0" && exec "$@"'
    command = [*words, "sh", "-c", script, host, sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.Popen(command, cwd=folder, **options)
