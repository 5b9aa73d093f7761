"""What to print if a run has nothing to do: Snakemake calls no hook of the Snakefile then."""

from collections.abc import Callable

_actions: list[Callable[[], None]] = []


def when_nothing_is_done(action: Callable[[], None]) -> None:
    """Remember what to do after Snakemake's message that nothing is to be done.

    Parameters
    ----------
    action : callable
        Prints the result.
    """
    _actions[:] = [action]


def nothing_is_done() -> None:
    """Do it."""
    for action in _actions:
        action()
