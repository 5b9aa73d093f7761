"""Regular expressions of data set files, by which file names tell songs."""

import re

from songwise.errors import InputError


class Pattern:
    """A regular expression whose first group, or whole match if it has none, names something.

    Parameters
    ----------
    text : the expression.
    key, where : the key that holds it and its file, for messages.

    Raises
    ------
    InputError : it is no regular expression.
    """

    def __init__(self, text: str, *, key: str, where: object):
        try:
            self._expression = re.compile(text)
        except re.error as error:
            raise InputError(f"{where}: {key} is not a regular expression ({error})") from error
        self.text, self.key = text, key

    def find(self, name: str) -> str:
        """What it finds in `name`; empty if it does not match."""
        found = self._expression.search(name)
        if not found:
            return ""
        return found.group(1 if self._expression.groups else 0) or ""
