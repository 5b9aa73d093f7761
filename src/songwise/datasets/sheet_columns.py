"""The known columns of a track sheet: checks of its header and of its values."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from songwise.errors import InputError, suggestion
from songwise.schemas.tracks import PATTERNS

_COMPILED = {name: re.compile(pattern) for name, pattern in PATTERNS.items() if pattern}


def check_header(sheet: Path, header: list[str], required: list[str]) -> None:
    """Check that a header has the required columns, no column twice and no misspelt column.

    Parameters
    ----------
    sheet : Path
        The track sheet, for messages.
    header : list of str
        Its columns.
    required : list of str
        Columns that it must have.

    Raises
    ------
    InputError
        If the header is invalid.
    """
    missing = [name for name in required if name not in header]
    if missing:
        columns = ",".join(header) or "(empty)"
        raise InputError(f"{sheet}: column '{missing[0]}' is missing; the header is: {columns}")
    if len(set(header)) < len(header):
        raise InputError(f"{sheet}: two columns have the same name; the header is: {','.join(header)}")
    for name in header:
        hint = suggestion(name, [other for other in PATTERNS if other not in header])
        if name not in PATTERNS and "did you mean" in hint:
            raise InputError(f"{sheet}: unknown column '{name}'{hint} If the column is your own, rename it.")


def patterns_of(names: Sequence[str]) -> dict[str, re.Pattern]:
    """Return the patterns that values must match, for those columns that have one.

    Parameters
    ----------
    names : sequence of str
        Columns, known or not.

    Returns
    -------
    dict of str to Pattern
        Pattern per column.
    """
    return {name: _COMPILED[name] for name in names if name in _COMPILED}


def find_invalid(number: int, row: Mapping[str, str], patterns: Mapping[str, re.Pattern]) -> list[str]:
    """Return a message for each invalid value of a row.

    Parameters
    ----------
    number : int
        Number of the row, for messages.
    row : mapping of str to str
        Its cells by column.
    patterns : mapping of str to Pattern
        The columns to check (`patterns_of`).

    Returns
    -------
    list of str
        One message per invalid value.
    """
    return [
        f"row {number}: {name} '{row[name]}' is invalid (it must match {pattern.pattern})"
        for name, pattern in patterns.items()
        if not pattern.search(row[name])
    ]
