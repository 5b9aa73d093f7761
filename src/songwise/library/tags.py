"""What music files say of themselves: tags, read by tinytag in child processes with limits, and titles in one form.

Run as a script, this file is such a child: it reads paths from its standard input, and needs nothing of songwise.
"""

import json
import math
import os
import re
import select
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

LIMIT = 10  # seconds a file; a disk that wakes up takes nearly as long, tags a millisecond
_LARGEST = 1 << 30  # bytes of memory of a child
_LONGEST = 300  # characters of a tag
_LONGEST_TRACK = 1e6  # seconds; a header that says more lies
_HEAD = 1 << 16  # bytes in which a container says what it holds
_FIELDS = ("artist", "albumartist", "album", "title", "genre", "composer", "year")

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
FORMULA = "=+-@"  # with which a spreadsheet lets a formula begin


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file says of itself; text is empty and a number None where it says nothing.

    Attributes
    ----------
    kind : the container by its first bytes, such as mp3, not by its name; empty: none that is known.
    video : whether it holds moving pictures, as far as its beginning tells.
    seconds, bit_rate, sample_rate : length, bits a second, Hz, as the header claims.
    problem : why nothing else is known.
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


def read_tags(
    paths: Sequence[Path],
    *,
    limit: float = LIMIT,
    told: Callable[[], None] = lambda: None,
) -> list[Tags]:
    """The tags of each of these files, in their order.

    Children read them, one a core. A file that takes longer than `limit`, or at which its child dies, costs that
    child and is a problem of its own.

    Parameters
    ----------
    limit : seconds a file.
    told : is called once a file.
    """
    found: list[Tags] = [Tags(problem="was not read")] * len(paths)
    waiting = iter(enumerate(paths))
    busy: dict[int, _Task] = {}
    children = [_start() for _ in range(min(os.cpu_count() or 1, len(paths)))]
    try:
        free = list(children)
        while True:
            while free and (entry := next(waiting, None)):
                _hand(free.pop(), entry, busy)
            if not busy:
                return found
            ready, _, _ = select.select(list(busy), [], [], 0.5)
            now = time.monotonic()
            overdue = [stream for stream, task in busy.items() if now - task.since > limit]
            for stream in {*ready, *overdue}:
                task = busy.pop(stream)
                answer = task.child.stdout.readline() if stream in ready else b""
                if answer.endswith(b"\n"):
                    found[task.place] = Tags(**json.loads(answer))
                    free.append(task.child)
                else:
                    reason = "crashes the reader of tags" if stream in ready else "takes too long to read"
                    found[task.place] = Tags(problem=reason)
                    _end(task.child)
                    children.remove(task.child)
                    children.append(_start())
                    free.append(children[-1])
                told()
    finally:
        for child in children:
            _end(child)


class _Task(NamedTuple):
    child: subprocess.Popen
    place: int
    since: float


def _start() -> subprocess.Popen:
    # -P: no file of the current folder is imported in place of tinytag.
    command = [sys.executable, "-P", str(Path(__file__).resolve())]
    environment = {name: value for name, value in os.environ.items() if name != "TINYTAG_DEBUG"}  # prints to stdout
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )


def _hand(child: subprocess.Popen, entry: tuple[int, Path], busy: dict[int, _Task]) -> None:
    place, path = entry
    busy[child.stdout.fileno()] = _Task(child, place, time.monotonic())
    with suppress(BrokenPipeError):  # a dead child shows when its answer is read
        child.stdin.write(json.dumps(str(path)).encode() + b"\n")
        child.stdin.flush()


def _end(child: subprocess.Popen) -> None:
    child.kill()
    child.wait()
    child.stdout.close()
    with suppress(BrokenPipeError):
        child.stdin.close()


def shown(text: str) -> str:
    """`text` with every character escaped that a terminal would not print as one."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )


def clean(text: str) -> str:
    """A tag as a cell of a sheet: one line without control characters, and no formula to a spreadsheet."""
    visible = "".join(" " if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") else one for one in text)
    visible = "".join(one for one in visible if unicodedata.category(one) != "Cf")
    return " ".join(visible.split()).lstrip(FORMULA).strip()


def normal_name(text: str) -> str:
    """An artist, album or class such that spellings of one name are equal: no case, accents, marks or leading "the".

    Empty for what names nobody, such as "Various Artists".
    """
    name = _letters(_FEATURED.sub("", _plain(text))) or clean(_plain(text))
    name = name.removeprefix("the ").removesuffix(" the")
    return "" if name in _NO_ARTIST else name


def normal_title(text: str) -> str:
    """A title such that versions of one song are equal: "Help! (Live) feat. X" and "help - Remastered 2011" are "help".

    Empty for what is no title, such as "Track 01".
    """
    whole = _plain(text)
    title = _BRACKETS.sub(lambda found: " " if _VERSION.search(found[0]) else found[0], whole)
    title = _FEATURED.sub("", _AFTER_DASH.sub("", title))
    title = _letters(title) or _letters(whole) or clean(whole)
    return "" if _NO_TITLE.fullmatch(title) else title


def title_of_file(stem: str) -> tuple[str, str]:
    """The normal names that a file's name holds: artist (empty if it has none) and title.

    Its track number is left off; before the first " - " stands the artist.
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
    return " ".join("".join(" " if unicodedata.category(one)[0] in "PSZC" else one for one in text).split())


# From here on: the child.


def _serve() -> None:
    with suppress(ImportError, OSError, ValueError):  # not every system has the limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_LARGEST, _LARGEST))
    for line in sys.stdin:
        signal.alarm(round(2 * LIMIT))  # ends a child whose parent was killed and cannot end it
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
                # By its bytes first: a name may lie. MP3 may begin with anything, and is told by its name then.
                tag = TinyTag.get(file_obj=stream)
            except UnsupportedFormatError:
                if not path.lower().endswith(".mp3"):
                    return Tags(kind=kind, video=video)
                stream.seek(0)
                tag = TinyTag.get(path, file_obj=stream)
    except OSError as error:
        return Tags(problem=f"cannot be read ({error.strerror})")
    except (TinyTagException, MemoryError):
        return Tags(kind=kind, video=video, problem="has tags that cannot be read")
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
    for start, at, kind in (
        (b"fLaC", 0, "flac"),
        (b"OggS", 0, "ogg"),
        (b"ftyp", 4, "m4a"),
        (b"\x1aE\xdf\xa3", 0, "webm"),
        (b"WAVE", 8, "wav"),
        (b"AIF", 8, "aiff"),
        (b"\x30\x26\xb2\x75", 0, "wma"),
        (b"MAC ", 0, "ape"),
    ):
        if head.startswith(start, at):
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
