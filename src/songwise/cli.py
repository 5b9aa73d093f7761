"""The command `songwise`: tasks besides a run of the workflow."""

import atexit
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

from songwise.commands.parser import make_parser, unknown_command
from songwise.errors import InputError


def run() -> None:
    """Run the command line's command, and end the process at once: taking down its modules takes half a second."""
    code = main()
    atexit._run_exitfuncs()
    with suppress(BrokenPipeError):  # the reader has seen enough, as in `songwise classify --json ... | head`
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; its messages go to stderr, without a traceback.

    Parameters
    ----------
    words : sequence of str, optional
        The words after "songwise"; those of the command line by default.

    Returns
    -------
    int
        The exit code: 0, 1 if the input cannot be used, 2 if there is no such command, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if words is None else words)
    try:
        if problem := unknown_command(words):
            print(f"songwise: {problem}", file=sys.stderr)
            return 2
        parser = make_parser()
        arguments = parser.parse_args(words)
        if not words:
            parser.print_help()
            return 0
        # Imported by name, because importing all commands would take seconds.
        import_module(f"songwise.commands.{arguments.module}").run(arguments)
    except InputError as error:
        print(f"songwise: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        print("songwise: stopped", file=sys.stderr)
        return 130
    return 0
