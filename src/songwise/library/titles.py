"""Names and titles in one form, so that spellings of one artist and versions of one song are equal."""

import re
import unicodedata

from songwise.text import clean_text

FORMULA = "=+-@"  # characters with which a formula begins in a spreadsheet

_DASHES = re.compile("[\u2010-\u2015]")
_MARKS = re.compile("[\u0300-\u036f]")
_BRACKETS = re.compile(r"[(\[{][^()\[\]{}]*[)\]}]")
_WORD = (
    r"(?:live|remix\w*|mix|remaster\w*|version|edit|acoustic|demo|instrumental|karaoke|mono|stereo|bonus|deluxe|"
    r"explicit|clean|radio|extended|sessions?|unplugged|rehearsal|outtake|take \d+|official|lyrics?|video|audio|hd|hq|"
    r"m/?v|anniversary|feat|ft|featuring|(?:19|20)\d\d)"
)
_VERSION = re.compile(rf"\b{_WORD}\b")
_AFTER_DASH = re.compile(rf"\s-\s(?:{_WORD}\b[^-]*|[^-]*\b{_WORD})\s*$")
_ONLY_VERSION = re.compile(rf"\s*(?:live (?:at|in|from|on)\b.*|(?:{_WORD}|\d+)(?:\s+(?:{_WORD}|\d+))*)\s*")
_FEATURED = re.compile(r"\s(?:feat|ft|featuring)\b\.?\s.*$")
_TRACK_NUMBER = re.compile(r"^(?:\d{1,2}[-.])?\d{1,3}[\s._-]+(?=\D)")
_NO_ARTIST = {"", "unknown", "unknown artist", "various", "various artists", "va", "v a"}
_NO_TITLE = re.compile(r"(?:audio ?)?(?:track|title|titel|piste|untitled|unknown|unknown title) ?\d*")


def clean_cell(text: str) -> str:
    """Return a tag as a cell of a sheet.

    Parameters
    ----------
    text : str
        Tag of a file.

    Returns
    -------
    str
        One line of visible characters that a spreadsheet does not take for a formula.
    """
    # clean_text makes invisible format characters spaces; within a name they must vanish.
    text = "".join(mark for mark in text if unicodedata.category(mark) != "Cf")
    return clean_text(text).lstrip(FORMULA).strip()


def normal_name(text: str) -> str:
    """Return an artist, album or class in a form in which all spellings of it are equal.

    Case, accents, punctuation, a leading "the" and featured artists are removed.

    Parameters
    ----------
    text : str
        Name, as a tag or a folder spells it.

    Returns
    -------
    str
        Empty if it names nobody, such as "Various Artists".
    """
    name = _letters(_FEATURED.sub("", _plain(text))) or clean_cell(_plain(text))
    name = name.removeprefix("the ").removesuffix(" the")
    return "" if name in _NO_ARTIST else name


def normal_title(text: str) -> str:
    """Return a title in a form in which all versions of one song are equal.

    "Help! (Live) feat. X" and "help - Remastered 2011" both become "help".

    Parameters
    ----------
    text : str
        Title, as a tag or a file's name spells it.

    Returns
    -------
    str
        Empty if it is not a title, such as "Track 01".
    """
    whole = _plain(text)
    title = _BRACKETS.sub(lambda match: " " if _VERSION.search(match[0]) else match[0], whole)
    title = _FEATURED.sub("", _AFTER_DASH.sub("", title))
    title = _letters(title) or _letters(whole) or clean_cell(whole)
    return "" if _NO_TITLE.fullmatch(title) else title


def title_of_file(stem: str) -> tuple[str, str]:
    """Return the artist and the title in a file's name, without its track number.

    Parameters
    ----------
    stem : str
        File name without suffix. The artist is before the first " - ".

    Returns
    -------
    artist : str
        In the form of `normal_name`. Empty if the name contains none.
    title : str
        In the form of `normal_title`. Empty if the name contains none.
    """
    text = _TRACK_NUMBER.sub("", stem)
    artist, dash, title = text.partition(" - ")
    if not dash or _ONLY_VERSION.fullmatch(_plain(title)):
        artist, title = "", text
    title = normal_title(_TRACK_NUMBER.sub("", title))
    return normal_name(artist), "" if title.isdecimal() else title


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", _MARKS.sub("", unicodedata.normalize("NFKD", text))).casefold()
    return _DASHES.sub("-", text)


def _letters(text: str) -> str:
    text = text.replace("'", "").replace("\u2019", "").replace("&", " and ")
    return " ".join("".join(" " if unicodedata.category(mark)[0] in "PSZC" else mark for mark in text).split())
