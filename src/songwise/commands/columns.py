"""A table of text in aligned columns."""

import unicodedata
from collections.abc import Sequence

_RIGHT = ">"


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, align: str) -> list[str]:
    """Return the lines of a table.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : sequence of sequence of str
        Cells, one line each.
    align : str
        One character per column: < for left, > for right.

    Returns
    -------
    list of str
        The header, then the rows, without spaces at the end.
    """
    lines = [header, *rows]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(map(_pad, line, widths, align)).rstrip() for line in lines]


def _pad(cell: str, width: int, side: str) -> str:
    space = " " * (width - _width(cell))
    return space + cell if side == _RIGHT else cell + space


def _width(text: str) -> int:
    """Return the columns that a text takes in a terminal: two per wide character, none for combining ones."""
    return sum(0 if unicodedata.combining(mark) else 1 + (unicodedata.east_asian_width(mark) in "WF") for mark in text)
