"""Counts and names in the lines that `songwise init` prints."""

from collections.abc import Iterable

from songwise.text import format_names

_LONGEST_EXAMPLE = 120  # characters


def format_count(number: int, noun: str) -> str:
    """Return a number and its noun: '1 file', '1,234 files', '2 classes'."""
    return f"{number:,} {noun}{'' if number == 1 else 'es' if noun.endswith('s') else 's'}"


def format_examples(names: Iterable[str]) -> str:
    """Return the first few names, each safe to print, and how many more there are."""
    return format_names(
        [escape(name if len(name) <= _LONGEST_EXAMPLE else f"{name[:_LONGEST_EXAMPLE]}...") for name in names]
    )


def escape(text: str) -> str:
    r"""Return text with invisible characters as escapes, such as \x1b.

    `text.clean_text` would drop them, but a file can only be found by its exact name.

    Parameters
    ----------
    text : str
        Name of a file, folder or class.

    Returns
    -------
    str
        Printable characters only.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )
