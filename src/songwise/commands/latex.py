"""Text in LaTeX."""

_MEANT = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


def tex(text: str) -> str:
    """Return text with the characters escaped that LaTeX does not print.

    Parameters
    ----------
    text : str
        Such as a title or a model's name.
    """
    return "".join(_MEANT.get(mark, mark) for mark in text)
