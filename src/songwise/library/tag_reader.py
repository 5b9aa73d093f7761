"""Read the tags of music files with tinytag; a program that `library.tags` starts in child processes.

It reads paths from its standard input, and answers each with one line of JSON. It imports nothing of songwise: each
child starts faster, and its limit on memory covers little besides tinytag.
"""

import json
import math
import re
import signal
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

LIMIT = 10  # seconds per file; a sleeping disk takes nearly as long to start, tags take a millisecond
_MAX_MEMORY = 1 << 30  # bytes
_LONGEST = 300  # characters of a tag
_LONGEST_TRACK = 1e6  # seconds; a header that states more is wrong
_HEAD = 1 << 16  # bytes in which a container states what it contains
_FIELDS = ("artist", "albumartist", "album", "title", "genre", "composer", "year")


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file states about itself; unknown text is empty, and unknown numbers are None.

    Attributes
    ----------
    artist, albumartist, album, title, genre, composer, year : str
        Tags, cut after 300 characters.
    kind : str
        Container by its first bytes, such as mp3, whatever its name. Empty if it is none that is known.
    video : bool
        Whether it contains moving pictures, as far as its beginning shows.
    seconds : float or None
        Length that the header states.
    bit_rate : int or None
        Bits per second that the header states.
    sample_rate : int or None
        Hz that the header states.
    problem : str
        Why nothing else is known. Empty if the tags were read.
    """

    artist: str = ""
    albumartist: str = ""
    album: str = ""
    title: str = ""
    genre: str = ""
    composer: str = ""
    year: str = ""
    kind: str = ""
    video: bool = False
    seconds: float | None = None
    bit_rate: int | None = None
    sample_rate: int | None = None
    problem: str = ""


def _serve() -> None:
    with suppress(ImportError, OSError, ValueError):  # not every system has this limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
    for line in sys.stdin:
        signal.alarm(round(2 * LIMIT))  # ends this child if its parent was killed and cannot end it
        print(json.dumps(asdict(_read(json.loads(line)))), flush=True)
        signal.alarm(0)


def _read(path: str) -> Tags:
    from tinytag import TinyTag, TinyTagException, UnsupportedFormatError

    try:
        with Path(path).open("rb") as stream:
            head = stream.read(_HEAD)
            kind, video = _kind(head), _is_video(head)
            stream.seek(0)
            try:
                # By content first, because names can be wrong. An MP3 may begin with anything; then its name decides.
                tag = TinyTag.get(file_obj=stream)
            except UnsupportedFormatError:
                if not path.lower().endswith(".mp3"):
                    return Tags(kind=kind, video=video)
                stream.seek(0)
                tag = TinyTag.get(path, file_obj=stream)
    except OSError as error:
        return Tags(problem=f"cannot be read ({error.strerror})")
    except (TinyTagException, MemoryError):
        return Tags(kind=kind, video=video, problem="has unreadable tags")
    text = {name: str(getattr(tag, name) or "")[:_LONGEST] for name in _FIELDS}
    seconds, bit_rate, sample_rate = (_number(value) for value in (tag.duration, tag.bitrate, tag.samplerate))
    return Tags(
        **text,
        kind=kind or ("mp3" if sample_rate and seconds else ""),
        video=video,
        seconds=seconds if seconds and seconds < _LONGEST_TRACK else None,
        bit_rate=round(1000 * bit_rate) if bit_rate else None,
        sample_rate=round(sample_rate) if sample_rate else None,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 < value < 1e12 and math.isfinite(value) else None


def _kind(head: bytes) -> str:
    for start, position, kind in (
        (b"fLaC", 0, "flac"),
        (b"OggS", 0, "ogg"),
        (b"ftyp", 4, "m4a"),
        (b"\x1aE\xdf\xa3", 0, "webm"),
        (b"WAVE", 8, "wav"),
        (b"AIF", 8, "aiff"),
        (b"\x30\x26\xb2\x75", 0, "wma"),
        (b"MAC ", 0, "ape"),
    ):
        if head.startswith(start, position):
            return kind
    if head.startswith(b"ID3") and len(head) > 10:
        size = sum((byte & 127) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        return _kind(head[10 + size :]) or "mp3"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "aac" if head[1] & 0xF6 == 0xF0 else "mp3"
    return ""


def _is_video(head: bytes) -> bool:
    kind = _kind(head)
    if kind == "webm":
        return b"V_VP" in head or b"V_AV1" in head or b"V_MPEG" in head
    if kind == "m4a":
        return bool(re.search(rb"hdlr.{8}vide", head, re.DOTALL))
    return kind == "ogg" and b"\x80theora" in head[:4096]


if __name__ == "__main__":
    _serve()
