"""Text for people: lists of names, and text from strangers made safe to show."""

import unicodedata
from collections.abc import Sequence

# Facts about files whose column has another name.
FACT_WORDS = {"bit_rate": "bit rate", "sample_rate": "sample rate", "side": "stereo width", "seconds": "length"}

_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format and surrogate characters, line and paragraph separators


def format_names(names: Sequence[object], most: int = 3, *, separator: str = ", ") -> str:
    """Return the first names of a list, and how many more it has: "A, B, C and 4 more".

    Parameters
    ----------
    names : sequence
        What to list, each shown as text.
    most : int, default=3
        Names to show.
    separator : str, default=", "
        Text between two names.

    Returns
    -------
    str
        Empty for an empty list.
    """
    shown = separator.join(str(name) for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def clean_text(text: object, most: int | None = None) -> str:
    """Return text from a stranger as one line of visible characters.

    Control characters, invisible format characters, unpaired surrogates and line breaks become spaces, and runs of
    spaces become one.

    Parameters
    ----------
    text : object
        Tags, titles, error messages of other programs; shown as text.
    most : int, optional
        Characters to keep; all by default.

    Returns
    -------
    str
        One line.
    """
    visible = "".join(" " if unicodedata.category(mark) in _INVISIBLE else mark for mark in str(text))
    return " ".join(visible.split())[:most]


def format_duration(seconds: float) -> str:
    """Return a time span for people, such as "4 s", "3 min" or "1 h 20 min".

    Parameters
    ----------
    seconds : float
        From 0.
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
