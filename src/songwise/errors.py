"""What is said to the person at the keyboard."""

import difflib


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
