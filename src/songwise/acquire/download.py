"""Files from the network or a mirror: resumed where they stopped, tried again, checked, whole or absent."""

import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from songwise.errors import InputError
from songwise.files import Checksum, file_digest

_ATTEMPTS = 4
_FIRST_PAUSE = 1.0  # seconds, doubled at each further attempt
_TIMEOUT = (10, 30)  # seconds to connect, and without a byte
_CHUNK = 1 << 16  # bytes; what a cut connection loses at most
_HEADWAY = 16 << 20  # bytes; a connection that brought so many was no failed attempt, or large files never arrive
_LARGEST = 2 << 30  # bytes; no song is larger, an endless stream is
_NO_HOST = "the host's name is not known (is this machine offline? see mirror in config/README.md)"
_RETRIED = {408, 425, 429, 500, 502, 503, 504}
_KEPT = threading.local()  # a thread's connections, which spare each further file of a host two waits


@dataclass(frozen=True)
class Fetched:
    """What became of a track.

    Attributes
    ----------
    status : ok, failed or quarantined.
    reason : why it is not ok; its first word, before a colon, is gone, blocked, too_long, rate_limited, failed, ...
    path, sha256 : of the file, where it is ok.
    title, seconds, url : what the site says of it, where the sheet names no file (source youtube).
    again_at : seconds since 1970 from which on another try makes sense, or None.
    """

    status: str
    reason: str = ""
    path: str = ""
    sha256: str = ""
    title: str = ""
    seconds: float | None = None
    url: str = ""
    again_at: float | None = None


class UnavailableError(Exception):
    """A file that cannot be had; the text is the reason, and begins with a known word."""


def check_mirror(mirror: str | None) -> None:
    """Raise InputError if `mirror` is neither a folder nor an http(s) URL."""
    if mirror is None or mirror.startswith(("http://", "https://")):
        return
    if not Path(mirror).is_dir():
        raise InputError(f"config: mirror: there is no folder '{mirror}' (a folder or an http(s) URL is expected)")


def origins(url: str, name: str, mirror: str | None) -> list[str]:
    """Where a file may be had, the mirror first: URLs, or paths of a mirror that is a folder.

    Parameters
    ----------
    name : the file's place below the mirror; empty: the last part of the URL.
    """
    if mirror is None:
        return [url]
    name = name or Path(urlsplit(url).path).name
    if mirror.startswith(("http://", "https://")):
        return [f"{mirror.rstrip('/')}/{quote(name)}", url]
    return [str(Path(mirror) / name), url]


def suffix_of(url_path: str) -> str:
    """The suffix of a URL's path, such as .ogg, if it looks like one."""
    suffix = Path(url_path).suffix.lower()
    return suffix if re.fullmatch(r"\.\w{1,5}", suffix) else ""


def fetch_file(
    places: list[str],
    path: Path,
    *,
    checksum: Checksum | None = None,
    largest: int = _LARGEST,
    told: Callable[[int, int | None], None] = lambda done, total: None,
) -> None:
    """Bring a file to `path` from the first of `places` that has it; one that is there and right is left alone.

    What a killed process left is continued. Each place is tried four times where that may help.

    Parameters
    ----------
    places : from `origins`.
    checksum : what the bytes must hash to; without it, any bytes will do.
    largest : bytes; a larger file is given up.
    told : is given the bytes that are here and their whole number, where known, as they arrive.

    Raises
    ------
    UnavailableError : no place gives it.
    OSError : the disk is full.
    """
    if path.is_file() and _is_right(path, checksum):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    reasons = []
    for place in places:
        try:
            _from(place, path, checksum, largest, told)
            return
        except UnavailableError as error:
            reasons.append(str(error))
    if len(set(reasons)) == 1 or len(places) == 1:
        raise UnavailableError(reasons[-1])
    raise UnavailableError("; mirror: ".join(reversed(reasons)))


def _is_right(path: Path, checksum: Checksum | None) -> bool:
    return checksum is None or file_digest(path, checksum.algorithm) == checksum.digits


def _from(place: str, path: Path, checksum: Checksum | None, largest: int, told: Callable) -> None:
    # The name is stable, so that the next run goes on where a killed one stopped.
    partial = path.with_name(f".{path.name}.part")
    continued = partial.is_file()
    if place.startswith(("http://", "https://")):
        _get(place, partial, largest, told)
    elif Path(place).is_file():
        shutil.copyfile(place, partial)
    else:
        raise UnavailableError(f"failed: there is no file {place}")
    if _is_right(partial, checksum):
        partial.replace(path)
        return
    partial.unlink()
    if not continued:
        raise UnavailableError(f"wrong {checksum.algorithm}: {place} gave other bytes than are listed")
    _from(place, path, checksum, largest, told)  # the earlier part may have been of other bytes


def _get(url: str, partial: Path, largest: int, told: Callable) -> None:
    import requests

    host = urlsplit(url).netloc
    pause, attempts, had = _FIRST_PAUSE, 0, 0
    while attempts < _ATTEMPTS:
        try:
            _get_once(url, partial, largest, told)
            return
        except requests.HTTPError as error:
            status = error.response.status_code
            reason = f"{'gone' if status in (404, 410) else 'failed'}: {host} answers {status}"
            if status not in _RETRIED:
                raise UnavailableError(reason) from error
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise UnavailableError(f"failed: {url} is not a usable URL") from error
        except requests.RequestException as error:
            reason = f"failed: {host}: {_cause(error)}"
            if _NO_HOST in reason:
                raise UnavailableError(reason) from error
        attempts += 1
        have = partial.stat().st_size if partial.is_file() else 0
        if have >= had + _HEADWAY:
            pause, attempts, had = _FIRST_PAUSE, 1, have
        if attempts < _ATTEMPTS:
            time.sleep(pause)
            pause *= 2
    raise UnavailableError(f"{reason}, {_ATTEMPTS} times")


def _get_once(url: str, partial: Path, largest: int, told: Callable) -> None:
    import requests

    have = partial.stat().st_size if partial.is_file() else 0
    headers = {"User-Agent": "songwise", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    if not hasattr(_KEPT, "session"):
        _KEPT.session = requests.Session()
    with _KEPT.session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        if response.status_code == 416:
            if response.headers.get("Content-Range", "") == f"bytes */{have}":
                return  # a run was killed after the last byte
            partial.unlink()  # what is there is no part of this file
            raise requests.ConnectionError("the server has no such part")
        response.raise_for_status()
        resumed = response.status_code == 206
        size = have if resumed else 0
        stated = response.headers.get("Content-Length", "")
        total = int(stated) + size if stated.isdigit() else None
        with partial.open("ab" if resumed else "wb") as stream:
            for chunk in response.iter_content(_CHUNK):
                size += len(chunk)
                if size > largest:
                    raise UnavailableError(f"failed: {url} is larger than {largest >> 20} MiB")
                stream.write(chunk)
                told(size, total)
            stream.flush()
            os.fsync(stream.fileno())
    if total is not None and size != total:
        raise requests.ConnectionError("the connection was cut")


def _cause(error: Exception) -> str:
    text = str(error)
    if "timed out" in text:
        return "no answer in time"
    if "resolve" in text:
        return _NO_HOST
    if "refused" in text:
        return "the connection was refused"
    return text.split("(Caused by")[0].strip() or type(error).__name__
