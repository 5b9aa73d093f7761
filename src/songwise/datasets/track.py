"""One row of a track sheet."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Track:
    """One row of a track sheet; every value is text, empty where the sheet says nothing."""

    track_id: str
    label: str
    song: str = ""
    artist: str = ""
    album: str = ""
    path: str = ""
    url: str = ""
    query: str = ""
    sha256: str = ""
    seconds: str = ""
    fault: str = ""
    license: str = ""
    attribution: str = ""
    start: str = ""
    stop: str = ""
    fold: str = ""
    role: str = ""


SHEET_COLUMNS = [field.name for field in fields(Track)]
