"""Rows of CSV files that other people wrote, which may be shorter or longer than their header."""

from collections.abc import Iterator, Mapping, Sequence


def complete_rows(rows: Sequence[Mapping], problems: list[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield the rows that have as many cells as the header, with their row numbers.

    Parameters
    ----------
    rows : sequence of mapping
        The rows below the header, from `files.read_csv`.
    problems : list of str
        Gets a message for each row that is left out.

    Yields
    ------
    tuple of int and mapping
        The row's number in the file, where the header is row 1, and its cells by column.
    """
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            problems.append(f"row {number}: has {'more' if None in row else 'fewer'} cells than the header")
        else:
            yield number, row
