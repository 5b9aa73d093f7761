"""What is said to the person at the keyboard."""

import difflib

_SHOWN = 10  # problems named in one message


class InputError(Exception):
    """Something the user gave cannot be used.

    The message says what is wrong, where (file, row or key) and what to do; it is printed without a traceback.
    """


def suggestion(name: str, known: list[str]) -> str:
    """'; did you mean X?' for the nearest known name, else the list of known names."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f" (known: {', '.join(sorted(known))})" if known else ""


def raise_all(where: object, problems: list[str]) -> None:
    """Raise an InputError that names `where` and the first of `problems`, if there are any."""
    if problems:
        more = f"\n{where}: and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise InputError("\n".join(f"{where}: {problem}" for problem in problems[:_SHOWN]) + more)
