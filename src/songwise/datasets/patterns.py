"""Regular expressions in data set files, which find songs and tracks in file names."""

import re

from songwise.errors import InputError


class Pattern:
    """A regular expression that finds a name: its first group, or its whole match if it has no group.

    Parameters
    ----------
    text : str
        The expression.
    key : str
        The key of the configuration that contains it, for messages.
    where : object
        The file that contains it, for messages.

    Attributes
    ----------
    text : str
        The expression.
    key : str
        The key of the configuration.

    Raises
    ------
    InputError
        If it is not a valid regular expression.
    """

    def __init__(self, text: str, *, key: str, where: object):
        try:
            self._expression = re.compile(text)
        except re.error as error:
            raise InputError(f"{where}: {key} is not a valid regular expression ({error})") from error
        self.text, self.key = text, key

    def find(self, name: str) -> str:
        """Return the part of `name` that the expression finds. Empty if it does not match.

        Parameters
        ----------
        name : str
            Name of a file.

        Returns
        -------
        str
            The first group, or the whole match.
        """
        match = self._expression.search(name)
        if not match:
            return ""
        return match.group(1 if self._expression.groups else 0) or ""
