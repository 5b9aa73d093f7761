"""Files from the network or a mirror: resumed where they stopped, retried, checked, and complete or absent."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from songwise.acquire.s3 import SCHEME, check_bucket, signed_url
from songwise.errors import InputError
from songwise.files import Checksum, file_digest
from songwise.text import clean_text

_CHUNK = 1 << 16  # bytes; the most that a cut connection loses
_HEADWAY = 16 << 20  # bytes; a connection that brought so many is not a failed attempt, or large files never arrive
_LARGEST = 2 << 30  # bytes; no song is larger, an endless stream is
_LONGEST_REASON = 200  # characters of another program's message
_NO_HOST = "the host name cannot be resolved (is this machine offline? see mirror in config/README.md)"
_NO_ANSWER = "no answer in time"
_REFUSED = "the connection was refused"
_CUT = "the connection was cut"
_NO_PART = "the server does not have this part of the file"
# A distinctive part of urllib3's messages, and how to put it.
_CAUSES = {
    "timed out": _NO_ANSWER,
    "resolve": _NO_HOST,
    "refused": _REFUSED,
    "Connection broken": _CUT,
    "Connection aborted": _CUT,
}
_Report = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Fetched:
    """The result of acquiring a track.

    Attributes
    ----------
    status : str
        ok, failed or quarantined.
    reason : str
        Why the status is not ok. Text before the colon is one known word: gone, blocked, too_long, rate_limited,
        failed, wrong sha256 or known fault.
    path : str
        Where the file is, if the status is ok.
    sha256 : str
        Hash of the file, if the status is ok.
    title : str
        The site's title of a video (source youtube).
    seconds : float, optional
        Duration of a video (source youtube).
    url : str
        Address of the video that was downloaded (source youtube).
    again_at : float, optional
        Earliest time of another try, in seconds since 1970.
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
    """A file that cannot be downloaded. The message is the reason and begins with a known word (`Fetched.reason`)."""


def check_mirror(mirror: str | None, key: str = "mirror") -> None:
    """Check that a mirror is a folder, an http(s) URL or a bucket that can be read.

    Parameters
    ----------
    mirror : str, optional
        Value of the key.
    key : str, default="mirror"
        The key of the configuration, for the message.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if mirror is None or mirror.startswith(("http://", "https://")):
        return
    if mirror.startswith(SCHEME):
        check_bucket(mirror, key)
    elif not Path(mirror).is_dir():
        raise InputError(
            f"config: {key}: there is no folder '{mirror}' (expected a folder, an http(s) URL or s3://BUCKET/PREFIX)"
        )


def origins(url: str, name: str, mirror: str | None) -> list[str]:
    """Return the places of a file, the mirror first.

    Parameters
    ----------
    url : str
        The published address.
    name : str
        Path of the file below the mirror. If it is empty, the last part of the URL.
    mirror : str, optional
        A folder, a base URL, or s3://BUCKET/PREFIX.

    Returns
    -------
    list of str
        URLs, or a path if the mirror is a folder.
    """
    if mirror is None:
        return [url]
    name = name or Path(urlsplit(url).path).name
    if mirror.startswith(SCHEME):
        return [f"{mirror.rstrip('/')}/{name}", url]
    if mirror.startswith(("http://", "https://")):
        return [f"{mirror.rstrip('/')}/{quote(name)}", url]
    return [str(Path(mirror) / name), url]


def suffix_of(url_path: str) -> str:
    """Return the suffix of a URL's path, such as .ogg, or "" if it does not look like one."""
    suffix = Path(url_path).suffix.lower()
    return suffix if re.fullmatch(r"\.\w{1,5}", suffix) else ""


def fetch_file(
    places: list[str],
    path: Path,
    *,
    checksum: Checksum | None = None,
    largest: int = _LARGEST,
    report: _Report = lambda done, total: None,
) -> None:
    """Download or copy a file from the first place that has it.

    A file that is already there with the right checksum is kept. An interrupted download is resumed, in the same
    process or in the next. Requests are repeated up to four times if that may help.

    Parameters
    ----------
    places : list of str
        URLs and paths (`origins`).
    path : Path
        Where to put the file.
    checksum : Checksum, optional
        Expected checksum. Without one, any content is accepted.
    largest : int, default=2 GiB
        Bytes; the download of a larger file is given up.
    report : callable, optional
        Receives the number of bytes that are here and their total, or None if it is unknown, as they arrive.

    Raises
    ------
    UnavailableError
        If no place has the file.
    OSError
        If the disk is full.
    """
    if path.is_file() and _matches(path, checksum):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    reasons = []
    for place in places:
        try:
            _fetch_from(place, path, checksum, largest, report)
            return
        except UnavailableError as error:
            reasons.append(str(error))
    if len(set(reasons)) == 1 or len(places) == 1:
        raise UnavailableError(reasons[-1])
    raise UnavailableError("; mirror: ".join(reversed(reasons)))


def mismatch(checksum: Checksum, place: object) -> str:
    """Return the reason for refusing a file with another checksum than the listed one."""
    return f"wrong {checksum.algorithm}: the content of {place} does not match the listed checksum"


def _matches(path: Path, checksum: Checksum | None) -> bool:
    return checksum is None or file_digest(path, checksum.algorithm) == checksum.digits


def _fetch_from(place: str, path: Path, checksum: Checksum | None, largest: int, report: _Report) -> None:
    # The name is stable, so that the next run resumes what a killed one left.
    partial = path.with_name(f".{path.name}.part")
    is_resumed = partial.is_file()
    if place.startswith(SCHEME):
        _download(signed_url(place), partial, largest, report)
    elif place.startswith(("http://", "https://")):
        _download(place, partial, largest, report)
    elif Path(place).is_file():
        shutil.copyfile(place, partial)
    else:
        raise UnavailableError(f"failed: there is no file {place}")
    if _matches(partial, checksum):
        partial.replace(path)
        return
    partial.unlink()
    if not is_resumed:
        raise UnavailableError(mismatch(checksum, place))
    _fetch_from(place, path, checksum, largest, report)  # the earlier part may be of another file


def _download(url: str, partial: Path, largest: int, report: _Report) -> None:
    from urllib3.exceptions import MaxRetryError, ProtocolError

    from songwise.acquire.session import ATTEMPTS, new_retries

    # urllib3 repeats requests up to the headers, but not a body that is cut: part of it is already on the disk
    # (urllib3 issue 542). A cut body is resumed here; urllib3's counter still gives the number of attempts and pauses.
    retries, kept = new_retries(), 0
    while problem := _download_rest(url, partial, largest, report):
        size = _size(partial)
        if size >= kept + _HEADWAY:
            retries, kept = new_retries(), size
        try:
            retries = retries.increment("GET", url, error=ProtocolError(problem))
        except MaxRetryError as error:
            raise UnavailableError(f"failed: {urlsplit(url).netloc}: {problem}, {ATTEMPTS} times") from error
        retries.sleep()


def _download_rest(url: str, partial: Path, largest: int, report: _Report) -> str:
    """Download what is missing of a file, and return what interrupted the download, or "" if nothing did."""
    import requests

    start = _size(partial)
    with _request(url, start) as response:
        if response.status_code == 416:
            if response.headers.get("Content-Range", "") == f"bytes */{start}":
                return ""  # a run was killed after the last byte
            partial.unlink(missing_ok=True)  # it is not a part of this file
            return _NO_PART
        is_resumed = response.status_code == 206
        size = start if is_resumed else 0
        stated = response.headers.get("Content-Length", "")
        total = int(stated) + size if stated.isdigit() else None
        try:
            with partial.open("ab" if is_resumed else "wb") as stream:
                for chunk in response.iter_content(_CHUNK):
                    size += len(chunk)
                    if size > largest:
                        raise UnavailableError(f"failed: {_unsigned(url)} is larger than {largest:,} bytes")
                    stream.write(chunk)
                    report(size, total)
                stream.flush()
                os.fsync(stream.fileno())
        except requests.RequestException as error:
            return _cause(error)
    return "" if total in (None, size) else _CUT


def _request(url: str, start: int):
    """Return the answer of a server that has the file, or that has no such part of it (status 416)."""
    import requests
    from urllib3.exceptions import MaxRetryError

    from songwise.acquire.session import ATTEMPTS, RETRIED, get

    host = urlsplit(url).netloc
    try:
        response = get(url, start)
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        raise UnavailableError(f"failed: {_unsigned(url)} is not a valid URL") from error
    except requests.RequestException as error:
        cause = _cause(error)
        is_repeated = isinstance(error.args[0], MaxRetryError) if error.args else False
        times = f", {ATTEMPTS} times" if is_repeated and cause != _NO_HOST else ""
        raise UnavailableError(f"failed: {host}: {cause}{times}") from error
    status = response.status_code
    if status < 400 or status == 416:
        return response
    response.close()
    times = f", {ATTEMPTS} times" if status in RETRIED else ""
    raise UnavailableError(f"{'gone' if status in (404, 410) else 'failed'}: {host} answers {status}{times}")


def _unsigned(url: str) -> str:
    return url.partition("?")[0]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _cause(error: Exception) -> str:
    # requests wraps urllib3's error, which wraps the reason of the last attempt.
    wrapped = error.args[0] if error.args else error
    text = str(getattr(wrapped, "reason", wrapped))
    known = next((cause for part, cause in _CAUSES.items() if part in text), None)
    return known or clean_text(text, _LONGEST_REASON) or type(error).__name__
