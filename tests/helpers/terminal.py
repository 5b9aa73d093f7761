"""A command on a real pseudo-terminal, as a person sees it."""

import os
import pty
import re
import subprocess
from pathlib import Path

_PIECES = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


def run_on_terminal(command: list[str], folder: Path, *, columns: int = 120, **environment: str) -> tuple[int, str]:
    """Run a command with a terminal as its input and outputs.

    Returns
    -------
    tuple of int and str
        The exit code, and everything that was written, with escape sequences.
    """
    own, of_command = pty.openpty()
    size = {"COLUMNS": str(columns), "LINES": "40", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=of_command,
        stdout=of_command,
        stderr=of_command,
        env=os.environ | size | environment,
        start_new_session=True,
    )
    os.close(of_command)
    written = bytearray()
    while True:
        try:
            part = os.read(own, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        written += part
    os.close(own)
    return process.wait(), written.decode(errors="replace")


def text_of(written: str) -> str:
    """Return everything that was ever written, without colours and moves of the cursor."""
    return "".join(found[3] or found[2].replace("\r", "") for found in _PIECES.findall(written))


def screen_of(written: str) -> list[str]:
    """Return the lines that are left on the terminal: of the moves of the cursor, those that rich makes."""
    lines, row, column = [""], 0, 0
    for count, letter, end, text in _PIECES.findall(written):
        if letter == "A":
            row = max(row - int(count or 1), 0)
        elif letter == "K":
            lines[row] = "" if count == "2" else lines[row][:column]
        elif end == "\r":
            column = 0
        elif end == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif text:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
            column += len(text)
    return [line.rstrip() for line in lines]
