"""Python programs that tests start."""

import subprocess
import sys
import textwrap


def start(code: str, folder, **options) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=folder, **options)
