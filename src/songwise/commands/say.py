"""One line for the user beside the output of a command."""

import sys


def say(line: str) -> None:
    """Print a line to stderr, so that the output of a command can be read by a program.

    Parameters
    ----------
    line : str
        What to say.
    """
    print(f"songwise: {line}", file=sys.stderr)
