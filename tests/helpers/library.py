"""`songwise init` as tests call it, and what it wrote."""

import struct

from songwise.files import read_rows
from songwise.library.init import init_library

FORMATS = ("mp3", "flac", "ogg", "opus", "m4a", "wav")


def id3(frames: dict[str, str]) -> bytes:
    """Return an ID3v2.3 tag of text frames."""
    body = b""
    for name, text in frames.items():
        if text:
            content = b"\x01" + text.encode("utf-16", "surrogatepass")
            body += name.encode() + struct.pack(">IH", len(content), 0) + content
    size = bytes((len(body) >> shift) & 127 for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + body


def init(folder, **options) -> str:
    """Make the data set "mine" of a folder, and return what is printed."""
    lines = []
    init_library(folder, name="mine", say=lines.append, **options)
    return "\n".join(lines)


def line_with(words: str, report: str) -> str:
    """Return the one line of a report that contains these words."""
    (line,) = [line for line in report.splitlines() if words in line]
    return line


def sheet() -> list[dict[str, str]]:
    """Return the rows of the sheet that `init` wrote."""
    return read_rows("config/datasets/mine.tracks.csv")


def column(name: str) -> dict[str, str]:
    """Return one column of that sheet by track_id."""
    return {row["track_id"]: row[name] for row in sheet()}
