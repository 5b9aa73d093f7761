"""One row of a track sheet."""

from dataclasses import dataclass, field, fields

_FOR_SPLITS = {"for_splits": True}  # of columns that only splits use: editing one extracts no features again


@dataclass(frozen=True, slots=True)
class Track:
    """One row of a track sheet. Every value is text, and is empty if the sheet does not give it.

    Attributes
    ----------
    track_id : str
        Id, unique in the data set.
    label : str
        Class of the track. A slash separates levels.
    song : str
        Name of the song. Tracks of one song are never split between training and test set.
    artist, album : str
        Artist and album.
    path : str
        Audio file: a local file, or a path below the mirror or in an archive.
    url : str
        Address of the audio file or the video.
    query : str
        What to search for if there is no url or it no longer works.
    sha256 : str
        Expected hash of the audio file.
    seconds : str
        Length in seconds.
    fault : str
        Known fault. Such a track is quarantined without decoding it.
    license, attribution : str
        Licence, and the line that names the author.
    start, stop : str
        First and last second to use.
    fold : str
        Number of a predefined fold.
    role : str
        Role in a published split: train, valid or test.
    """

    track_id: str
    label: str
    song: str = ""
    artist: str = ""
    album: str = field(default="", metadata=_FOR_SPLITS)
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
    fold: str = field(default="", metadata=_FOR_SPLITS)
    role: str = field(default="", metadata=_FOR_SPLITS)


SHEET_COLUMNS = [column.name for column in fields(Track)]
COLUMNS_FOR_SPLITS = [column.name for column in fields(Track) if column.metadata]
