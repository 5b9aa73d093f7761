"""A video site, accessed with yt-dlp in this process: results of a search, facts of a video, and its audio as a file.

yt-dlp gets no configuration of the user, no plugins, no cookies except the named ones, and starts no program except the
JavaScript runtime. Every failure is one of the errors of this module.
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
from songwise.text import clean_text

_TIMEOUT = 20.0  # seconds without a byte
_RETRIES = 3
_FIRST_PAUSE = 1.0  # seconds before the first retry, doubled at each further one
_CHUNK = 1 << 16  # bytes; the most that a cut connection loses
_LARGEST = 1 << 30  # bytes of one video's audio
_LARGEST_PAGE = 32 << 20  # bytes of anything that is read at once
_BETWEEN_PAGES = 0.75  # seconds between the pages of one video, as yt-dlp advises; 0 if the data set has no pause
_STOP = 3600.0  # seconds without requests, if the site names no other time
_LONGEST_STOP = 24 * 3600.0
_LONGEST_TEXT = 200  # characters of a site's answer
_EXTRACTORS = ["youtube", "youtube:search", "generic"]
_FORMATS = "[protocol~='^(https?|m3u8_native|http_dash_segments)$']"
_NO_PROGRAM = "/nonexistent"  # instead of an ffmpeg, which yt-dlp must not run

# Answers in words instead of an HTTP status; the first match counts. A bot check concerns this machine's address and
# not the video: more requests would prolong it.
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
# What yt-dlp adds to an answer, for users of its command line.
_ADVICE = re.compile(r"; please report|\.? +(?:Use --|See +https?:|It is recommended|For more information)")
_GONE_STATUS = {404, 410}
_BLOCKED_STATUS = {401, 402, 403, 451}


class RefusedError(UnavailableError):
    """A video that will not be available later either: gone, blocked, or unsuitable. Another video may do."""


class RateLimitedError(Exception):
    """The site refuses further requests for a while. The message is its answer.

    Parameters
    ----------
    why : str
        The site's answer.
    seconds : float
        How long to make no requests.

    Attributes
    ----------
    seconds : float
        As the parameter.
    """

    def __init__(self, why: str, seconds: float):
        super().__init__(why)
        self.seconds = seconds


@dataclass(frozen=True)
class Hit:
    """One result of a search.

    Attributes
    ----------
    url : str
        Address of the video.
    seconds : float, optional
        Its length, if the search gives one.
    """

    url: str
    seconds: float | None


@dataclass(frozen=True)
class Video:
    """The facts of a video, and all that yt-dlp needs to download it.

    Attributes
    ----------
    url : str
        The video's own page, the same for every address that leads to it.
    key : str
        EXTRACTOR ID, a line of yt-dlp's archive files.
    title : str
        Title on the site.
    uploader : str
        Name of the uploader or channel; may be empty.
    seconds : float, optional
        Its length, if the site gives one.
    info : dict
        yt-dlp's description of the video.
    """

    url: str
    key: str
    title: str
    uploader: str
    seconds: float | None
    info: dict


class Site:
    """yt-dlp, configured for audio alone.

    Parameters
    ----------
    cookies : str, optional
        A cookies.txt, which is read and never written.
    is_slow : bool
        Whether to pause between the pages of one video too.

    Raises
    ------
    InputError
        If the cookies cannot be read.
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
                "cookiefile": _copy(cookies),
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
            raise InputError(f"config: cookies: {cookies} is not a cookies.txt in Netscape format") from error

    def search(self, address: str) -> list[Hit]:
        """Return the results of a search, best first.

        Parameters
        ----------
        address : str
            ytsearch5:WORDS, or the URL of a feed.

        Returns
        -------
        list of Hit
            Results with an http(s) address.

        Raises
        ------
        InputError
            If YouTube needs a JavaScript runtime and there is none.
        UnavailableError
            If the site gives no results for another reason.
        RateLimitedError
            If the site refuses further requests for a while.
        """
        info = self._extract(address)
        hits = []
        for entry in info.get("entries") or []:
            if entry and str(entry.get("url", "")).startswith(("http://", "https://")):
                hits.append(Hit(_plain_url(entry["url"]), _seconds(entry)))
        return hits

    def describe(self, url: str) -> Video:
        """Return the facts of a video, without its audio.

        Parameters
        ----------
        url : str
            Any address that leads to the video.

        Returns
        -------
        Video
            With its own address.

        Raises
        ------
        InputError
            If YouTube needs a JavaScript runtime and there is none.
        RefusedError
            If there is no video, or none that can be downloaded.
        UnavailableError
            If the site does not answer.
        RateLimitedError
            If the site refuses further requests for a while.
        """
        info = self._extract(url)
        if info.get("_type", "video") != "video":
            raise RefusedError("failed: the URL is a list of videos, not one video")
        if info.get("is_live") or info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
            raise RefusedError("failed: a live stream")
        key = f"{info['extractor_key'].lower()} {short_text(info['id'])}"
        uploader = short_text(info.get("uploader") or info.get("channel") or "")
        title = short_text(info.get("title") or "")
        return Video(info["webpage_url"], key, title, uploader, _seconds(info), info)

    def download(self, video: Video, path: Path) -> None:
        """Download a video's audio as the site has it; an interrupted download is resumed.

        Parameters
        ----------
        video : Video
            From `describe`.
        path : Path
            Where to put the file.

        Raises
        ------
        RefusedError
            If the video is gone, blocked or too large.
        UnavailableError
            If the site does not answer.
        RateLimitedError
            If the site refuses further requests for a while.
        """
        # The name is ours, and so is its suffix: yt-dlp refuses those that might be programs.
        chosen = video.info | {"ext": "unknown_video"}
        self._client.params["outtmpl"]["default"] = str(path).replace("%", "%%")
        self._try(lambda: self._client.process_info(chosen), retries=0)  # yt-dlp has its own for downloads
        if not path.is_file():
            raise UnavailableError("failed: yt-dlp downloaded no file")

    def _extract(self, address: str) -> dict:
        if is_youtube(address) and not self._has_runtime:
            check_runtime()
            self._has_runtime = True
        info = self._try(lambda: self._client.extract_info(address, download=False), _RETRIES)
        if not info:
            raise RefusedError("failed: there is no video")
        if "entries" in info:
            info["entries"] = list(info["entries"])
        return info

    def _try(self, ask: Callable, retries: int):
        for attempt in range(retries + 1):
            self._client.refusal = None
            try:
                return ask()
            except (UnavailableError, RateLimitedError, InputError):
                raise
            except Exception as error:
                if attempt == retries or not _is_temporary(error):
                    raise explain(error, self._client.refusal) from error
                time.sleep(_pause_before(attempt))


def short_text(text: object) -> str:
    """Return text from a stranger on one line, without control characters, cut to 200 characters."""
    return clean_text(text, _LONGEST_TEXT)


def explain(error: Exception, refusal: Exception | None = None) -> Exception:
    """Convert an error of yt-dlp to one of this module: by HTTP status, by type, or by the site's words, in this order.

    Parameters
    ----------
    error : Exception
        What yt-dlp raised.
    refusal : Exception, optional
        yt-dlp's HTTPError of the last answer, which yt-dlp drops after several attempts.

    Returns
    -------
    Exception
        RefusedError, UnavailableError or RateLimitedError.

    Raises
    ------
    OSError
        If the cause is that this machine's disk is full.
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
            return RefusedError(f"blocked: {short_text(cause.orig_msg)}")
        if isinstance(cause, UnsupportedError):
            return RefusedError("failed: the page has no video")
        if isinstance(cause, TransportError):
            return UnavailableError(f"failed: {_in_short(str(cause))}")
    if not isinstance(error, YoutubeDLError):
        return UnavailableError(f"failed: yt-dlp: {type(error).__name__}: {short_text(error)}")
    message = next((cause.orig_msg for cause in causes if isinstance(cause, ExtractorError)), str(error))
    return _of_words(short_text(_ADVICE.split(message.removeprefix("ERROR: "))[0]))


def _of_words(answer: str) -> Exception:
    if _RATE_LIMITED.search(answer):
        hint = " (cookies in config/config.yaml may help)" if "not a bot" in answer else ""
        return RateLimitedError(f"the site answers: {answer}{hint}", _STOP)
    for word, pattern in (("gone", _PRIVATE), ("blocked", _BLOCKED), ("gone", _GONE)):
        if pattern.search(answer):
            return RefusedError(f"{word}: {answer}")
    return UnavailableError(f"failed: {_in_short(answer)}")


def _of_status(error) -> Exception:
    answer = f"{urlsplit(error.response.url).netloc} answers {error.status}"
    if error.status == 429:
        return RateLimitedError(answer, _requested_pause(error.response))
    if error.status in _GONE_STATUS:
        return RefusedError(f"gone: {answer}")
    if error.status in _BLOCKED_STATUS:
        return RefusedError(f"blocked: {answer}")
    return UnavailableError(f"failed: {answer}")


def _in_short(text: str) -> str:
    if "resolve" in text:
        return "the host name cannot be resolved (is this machine offline?)"
    if "refused" in text:
        return "the connection was refused"
    if "timed out" in text:
        return "no answer in time"
    return short_text(text)


def _requested_pause(response) -> float:
    """Return the seconds in Retry-After, a number or a date, or an hour if it has neither."""
    stated = response.headers.get("Retry-After", "").strip()
    try:
        seconds = float(stated) if stated.isdigit() else parsedate_to_datetime(stated).timestamp() - time.time()
    except ValueError:
        return _STOP
    return min(max(seconds, 1.0), _LONGEST_STOP)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes, outermost first."""
    waiting, seen = [error], set()
    while waiting:
        cause = waiting.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        wrapped = getattr(cause, "exc_info", None)
        waiting += [getattr(cause, "cause", None), wrapped[1] if wrapped else None, cause.__cause__, cause.__context__]


def _is_temporary(error: Exception) -> bool:
    """Return whether the same request may succeed soon."""
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
        raise RefusedError(f"too_long: the file is larger than {_LARGEST >> 20} MiB")


def _copy(cookies: str | None) -> io.StringIO | None:
    # yt-dlp writes cookies back to where it read them; the user's file must stay unchanged.
    if cookies is None:
        return None
    try:
        return io.StringIO(Path(cookies).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"config: cookies: cannot read {cookies} ({error})") from error


def _plain_url(url: str) -> str:
    from yt_dlp.utils import unsmuggle_url

    return unsmuggle_url(url)[0]


def _client(params: dict):
    """Return yt-dlp without plugins and with two changes.

    It does not read an endless page. It stops at once at a rate limit, instead of another try or an incomplete result.
    """
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
            response.read = _limit(response.read)
            return response

    return Client(params)


def _limit(read: Callable) -> Callable:
    def read_some(amt: int | None = None) -> bytes:
        if amt is not None and amt >= 0:
            return read(amt)
        page = read(_LARGEST_PAGE + 1)
        if len(page) > _LARGEST_PAGE:
            raise RefusedError(f"failed: the site sends a page of more than {_LARGEST_PAGE >> 20} MiB")
        return page

    return read_some


class _Log:
    """Receiver of yt-dlp's messages, for the job's log."""

    def debug(self, message: str) -> None:
        pass

    def warning(self, message: str) -> None:
        print(f"yt-dlp: {short_text(message)}")

    error = warning
