"""One site of videos, asked by yt-dlp in this process: what a search finds, what a video is, and its audio as a file.

yt-dlp gets no configuration of the user's, no plugins, no cookies but those that are named, and starts no program but
the JavaScript runtime. What goes wrong comes out as one of the errors of this module.
"""

import io
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from songwise.acquire.download import UnavailableError
from songwise.acquire.javascript import check_runtime, is_youtube
from songwise.errors import InputError, is_disk_full

_TIMEOUT = 20.0  # seconds without a byte
_RETRIES = 3
_FIRST_PAUSE = 1.0  # seconds before a retry, doubled at each further one
_CHUNK = 1 << 16  # bytes; what a cut connection loses at most
_LARGEST = 1 << 30  # bytes of one video's audio
_LARGEST_PAGE = 32 << 20  # bytes of anything that is read as a whole
_BETWEEN_PAGES = 0.75  # seconds between the pages of one video, as yt-dlp advises; none where no pause is asked for
_STOP = 3600.0  # seconds, where the site does not say for how long it wants to be left alone
_LONGEST_STOP = 24 * 3600.0
_LONGEST_TEXT = 200  # characters of what a site says
_EXTRACTORS = ["youtube", "youtube:search", "generic"]
_FORMATS = "[protocol~='^(https?|m3u8_native|http_dash_segments)$']"
_NO_PROGRAM = "/nonexistent"  # where yt-dlp looks for an ffmpeg of its own

# What sites say in words, where they give no HTTP status; looked for in this order. A bot check is about this machine's
# address and not about the video: asking on makes it last.
_RATE_LIMITED = re.compile(
    r"rate.?limit|try again later|too many requests|not a bot|captcha|ip is likely being blocked",
    re.IGNORECASE,
)
_PRIVATE = re.compile(r"\bprivate\b", re.IGNORECASE)
_BLOCKED = re.compile(
    r"sign in|log ?in|age.?restricted|inappropriate|members|join this channel|premium|purchase|payment|registered users"
    r"|country|geo.?restrict|your location|blocked|\bdrm\b|cookies",
    re.IGNORECASE,
)
_GONE = re.compile(
    r"removed|deleted|terminated|no longer available|not exist|video (?:is )?(?:un|not )available|isn.t available",
    re.IGNORECASE,
)
# What yt-dlp adds to it, for those who call it themselves.
_ADVICE = re.compile(r"; please report|\.? +(?:Use --|See +https?:|It is recommended|For more information)")
_GONE_STATUS = {404, 410}
_BLOCKED_STATUS = {401, 402, 403, 451}


class RefusedError(UnavailableError):
    """A video that is not to be had, at any time: gone, blocked, or not what is wanted; another may do."""


class RateLimitedError(Exception):
    """The site wants to be left alone for `seconds`; the text says what it answered."""

    def __init__(self, why: str, seconds: float):
        super().__init__(why)
        self.seconds = seconds


@dataclass(frozen=True)
class Hit:
    """What a search says of a video; seconds is None where it does not tell."""

    url: str
    seconds: float | None


@dataclass(frozen=True)
class Video:
    """What a site says of a video, and all that yt-dlp needs to download it.

    Attributes
    ----------
    url : its own page, the same whatever address led there.
    key : EXTRACTOR ID, a line of yt-dlp's archive files.
    seconds : its length, or None where the site does not tell.
    info : yt-dlp's.
    """

    url: str
    key: str
    title: str
    uploader: str
    seconds: float | None
    info: dict


class Site:
    """yt-dlp, set up for audio alone.

    Parameters
    ----------
    cookies : a cookies.txt, which is read and never written; or None.
    is_slow : whether pauses are asked for, so that the pages of one video have some between them as well.

    Raises
    ------
    InputError : the cookies cannot be read, or YouTube is asked without a JavaScript runtime.
    """

    def __init__(self, cookies: str | None, *, is_slow: bool):
        self._client = _client(
            {
                "format": f"bestaudio{_FORMATS}/best{_FORMATS}",
                "noplaylist": True,
                "extract_flat": "in_playlist",
                "allowed_extractors": _EXTRACTORS,
                "socket_timeout": _TIMEOUT,
                "retries": _RETRIES,
                "fragment_retries": _RETRIES,
                "buffersize": _CHUNK,
                "noresizebuffer": True,
                "extractor_retries": _RETRIES,
                "retry_sleep_functions": dict.fromkeys(("http", "fragment", "extractor"), _pause_before),
                "skip_unavailable_fragments": False,
                "sleep_interval_requests": _BETWEEN_PAGES if is_slow else 0,
                "external_downloader": {"default": "native"},
                "ffmpeg_location": _NO_PROGRAM,
                "fixup": "never",
                "updatetime": False,
                "cachedir": False,
                "cookiefile": _copied(cookies),
                "js_runtimes": {name: {} for name in ("deno", "node", "bun", "quickjs")},
                "progress_hooks": [_check_size],
                "noprogress": True,
                "color": "never",
                "logger": _Log(),
            }
        )
        self._has_runtime = False
        try:
            self._client.cookiejar  # noqa: B018 - read at its first use
        except Exception as error:
            raise InputError(f"config: cookies: {cookies} is no cookies.txt in Netscape's format") from error

    def search(self, address: str) -> list[Hit]:
        """The videos that a search gives, best first: ytsearch5:WORDS, or the URL of a feed.

        Raises
        ------
        UnavailableError, RateLimitedError : what the site answers instead.
        """
        info = self._asked(address)
        found = []
        for entry in info.get("entries") or []:
            if entry and str(entry.get("url", "")).startswith(("http://", "https://")):
                found.append(Hit(_plain_url(entry["url"]), _seconds(entry)))
        return found

    def look(self, url: str) -> Video:
        """What a video is, without its audio.

        Raises
        ------
        RefusedError : there is none, or none that can be downloaded.
        UnavailableError, RateLimitedError : what the site answers instead.
        """
        info = self._asked(url)
        if info.get("_type", "video") != "video":
            raise RefusedError("failed: the address is that of a list, not of a video")
        if info.get("is_live") or info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
            raise RefusedError("failed: a live stream")
        key = f"{info['extractor_key'].lower()} {plain(info['id'])}"
        who = info.get("uploader") or info.get("channel") or ""
        title = plain(info.get("title") or "")
        return Video(info["webpage_url"], key, title, plain(who), _seconds(info), info)

    def download(self, video: Video, path: Path) -> None:
        """A video's audio as the site has it, to `path`; what an earlier call left there in parts is gone on with.

        Raises
        ------
        RefusedError, UnavailableError, RateLimitedError : as for `look`.
        """
        # The name is ours, and so is its suffix: yt-dlp refuses those that might be programs.
        chosen = video.info | {"ext": "unknown_video"}
        self._client.params["outtmpl"]["default"] = str(path).replace("%", "%%")
        with_retries = 0  # yt-dlp has its own for downloads
        self._tried(lambda: self._client.process_info(chosen), with_retries)
        if not path.is_file():
            raise UnavailableError("failed: yt-dlp gave no file")

    def _asked(self, address: str) -> dict:
        if is_youtube(address) and not self._has_runtime:
            check_runtime()
            self._has_runtime = True
        info = self._tried(lambda: self._client.extract_info(address, download=False), _RETRIES)
        if not info:
            raise RefusedError("failed: there is no video")
        if "entries" in info:
            info["entries"] = list(info["entries"])
        return info

    def _tried(self, ask: Callable, retries: int):
        for attempt in range(retries + 1):
            self._client.refusal = None
            try:
                return ask()
            except (UnavailableError, RateLimitedError, InputError):
                raise
            except Exception as error:
                if attempt == retries or not _is_passing(error):
                    raise explain(error, self._client.refusal) from error
                time.sleep(_pause_before(attempt))


def plain(text: object) -> str:
    """Text of strangers on one line, without control characters, and not long."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return " ".join(shown.split())[:_LONGEST_TEXT]


def explain(error: Exception, refusal: Exception | None = None) -> Exception:
    """An error of yt-dlp's as one of this module's: by HTTP status, by type, and by what the site says, in this order.

    Parameters
    ----------
    refusal : yt-dlp's HTTPError of the last answer, which it drops where it has tried several times.

    Raises
    ------
    OSError : it is this machine's, whose disk is full.
    """
    from yt_dlp.networking.exceptions import HTTPError, TransportError
    from yt_dlp.utils import ExtractorError, GeoRestrictedError, UnsupportedError, YoutubeDLError

    causes = list(_causes(error))
    if not any(isinstance(cause, ExtractorError) for cause in causes):
        causes += _causes(refusal)
    for cause in causes:
        if isinstance(cause, OSError) and is_disk_full(cause):
            raise cause
    for cause in causes:
        if isinstance(cause, (UnavailableError, RateLimitedError)):
            return cause
    for cause in causes:
        if isinstance(cause, HTTPError):
            return _of_status(cause)
    for cause in causes:
        if isinstance(cause, GeoRestrictedError):
            return RefusedError(f"blocked: {plain(cause.orig_msg)}")
        if isinstance(cause, UnsupportedError):
            return RefusedError("failed: no video is there")
        if isinstance(cause, TransportError):
            return UnavailableError(f"failed: {_in_short(str(cause))}")
    if not isinstance(error, YoutubeDLError):
        return UnavailableError(f"failed: yt-dlp: {type(error).__name__}: {plain(error)}")
    said = next((cause.orig_msg for cause in causes if isinstance(cause, ExtractorError)), str(error))
    return _of_words(plain(_ADVICE.split(said.removeprefix("ERROR: "))[0]))


def _of_words(said: str) -> Exception:
    if _RATE_LIMITED.search(said):
        help_ = " (cookies in config/config.yaml may help)" if "not a bot" in said else ""
        return RateLimitedError(f"the site says: {said}{help_}", _STOP)
    for word, pattern in (("gone", _PRIVATE), ("blocked", _BLOCKED), ("gone", _GONE)):
        if pattern.search(said):
            return RefusedError(f"{word}: {said}")
    return UnavailableError(f"failed: {_in_short(said)}")


def _of_status(error) -> Exception:
    says = f"{urlsplit(error.response.url).netloc} answers {error.status}"
    if error.status == 429:
        return RateLimitedError(says, _wanted_pause(error.response))
    if error.status in _GONE_STATUS:
        return RefusedError(f"gone: {says}")
    if error.status in _BLOCKED_STATUS:
        return RefusedError(f"blocked: {says}")
    return UnavailableError(f"failed: {says}")


def _in_short(text: str) -> str:
    if "resolve" in text:
        return "the host's name is not known (is this machine offline?)"
    if "refused" in text:
        return "the connection was refused"
    if "timed out" in text:
        return "no answer in time"
    return plain(text)


def _wanted_pause(response) -> float:
    """Seconds that Retry-After asks for: a number or a date; an hour where it says nothing of use."""
    stated = response.headers.get("Retry-After", "").strip()
    try:
        seconds = float(stated) if stated.isdigit() else parsedate_to_datetime(stated).timestamp() - time.time()
    except ValueError:
        return _STOP
    return min(max(seconds, 1.0), _LONGEST_STOP)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it, outermost first."""
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        behind = getattr(one, "exc_info", None)
        waiting += [getattr(one, "cause", None), behind[1] if behind else None, one.__cause__, one.__context__]


def _is_passing(error: Exception) -> bool:
    """Whether the same request may well succeed in a moment."""
    from yt_dlp.networking.exceptions import CertificateVerifyError, HTTPError, TransportError

    for cause in _causes(error):
        if isinstance(cause, HTTPError):
            return cause.status == 408 or cause.status >= 500
        if isinstance(cause, TransportError):
            return not isinstance(cause, CertificateVerifyError) and "resolve" not in str(cause)
    return False


def _pause_before(n: int) -> float:
    return _FIRST_PAUSE * 2**n


def _seconds(info: dict) -> float | None:
    duration = info.get("duration")
    return float(duration) if isinstance(duration, (int, float)) and duration > 0 else None


def _check_size(status: dict) -> None:
    if max(status.get("total_bytes") or 0, status.get("downloaded_bytes") or 0) > _LARGEST:
        raise RefusedError(f"too_long: the file has more than {_LARGEST >> 20} MiB")


def _copied(cookies: str | None) -> io.StringIO | None:
    # yt-dlp writes the cookies that it is given back to where they came from; the user's file stays as it is.
    if cookies is None:
        return None
    try:
        return io.StringIO(Path(cookies).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"config: cookies: {cookies} cannot be read ({error})") from error


def _plain_url(url: str) -> str:
    from yt_dlp.utils import unsmuggle_url

    return unsmuggle_url(url)[0]


def _client(params: dict):
    """yt-dlp without plugins, which reads no endless page, and ends at once where the site wants to be left alone: it
    would often try again, or go on with what it has."""
    from yt_dlp import YoutubeDL
    from yt_dlp.globals import plugin_dirs
    from yt_dlp.networking.exceptions import HTTPError

    plugin_dirs.value = []

    class Client(YoutubeDL):
        refusal = None

        def urlopen(self, req):
            try:
                response = super().urlopen(req)
            except HTTPError as error:
                self.refusal = error
                if error.status == 429:
                    raise _of_status(error) from error
                raise
            self.refusal = None
            response.read = _bounded(response.read)
            return response

    return Client(params)


def _bounded(read: Callable) -> Callable:
    def read_some(amt: int | None = None) -> bytes:
        if amt is not None and amt >= 0:
            return read(amt)
        page = read(_LARGEST_PAGE + 1)
        if len(page) > _LARGEST_PAGE:
            raise RefusedError(f"failed: the site sends a page of more than {_LARGEST_PAGE >> 20} MiB")
        return page

    return read_some


class _Log:
    """What yt-dlp has to say, for the job's log."""

    def debug(self, message: str) -> None:
        pass

    def warning(self, message: str) -> None:
        print(f"yt-dlp: {plain(message)}")

    error = warning
