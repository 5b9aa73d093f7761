"""The known columns of a track sheet: checks of its header and of its values."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from songwise.errors import InputError, suggestion
from songwise.schemas import read_yaml


class SheetColumns:
    """The columns that workflow/schemas/tracks.schema.yaml describes.

    Parameters
    ----------
    root : Path
        The folder that contains workflow/schemas.
    """

    def __init__(self, root: Path):
        schema = read_yaml(root / "workflow" / "schemas" / "tracks.schema.yaml")
        self.required: list[str] = schema["required"]
        self._known = list(schema["properties"])
        self._patterns = {
            name: re.compile(column["pattern"]) for name, column in schema["properties"].items() if "pattern" in column
        }

    def check_header(self, sheet: Path, header: list[str], required: list[str]) -> None:
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
            hint = suggestion(name, [other for other in self._known if other not in header])
            if name not in self._known and "did you mean" in hint:
                raise InputError(f"{sheet}: unknown column '{name}'{hint} If the column is your own, rename it.")

    def patterns_of(self, names: Sequence[str]) -> dict[str, re.Pattern]:
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
        return {name: self._patterns[name] for name in names if name in self._patterns}


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
