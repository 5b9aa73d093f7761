"""HTTP requests that are repeated while a server is busy or does not answer."""

import threading

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NameResolutionError
from urllib3.util.retry import Retry

ATTEMPTS = 4
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_BACKOFF = 1.0  # pauses of 0, 2 and 4 seconds before the second, third and fourth attempt
_LONGEST_WAIT = 60  # seconds; servers that ask for hours in Retry-After are given up instead
_TIMEOUT = (10, 30)  # seconds to connect, and without a byte
_THREAD = threading.local()  # a session per thread: its open connections save two round trips per further file


class _Retries(Retry):
    def increment(self, method=None, url=None, response=None, error=None, _pool=None, _stacktrace=None):
        # An unknown host stays unknown: a machine that is offline must not pause for each of a thousand tracks.
        if isinstance(error, NameResolutionError):
            raise MaxRetryError(_pool, url, error)
        return super().increment(method, url, response, error, _pool, _stacktrace)


def new_retries() -> Retry:
    """Return urllib3's counter of the attempts at one file, and of the pauses between them."""
    return _Retries(
        total=ATTEMPTS - 1,
        allowed_methods=("GET",),
        status_forcelist=RETRIED,
        raise_on_status=False,
        backoff_factor=_BACKOFF,
        respect_retry_after_header=True,
        retry_after_max=_LONGEST_WAIT,
    )


def get(url: str, start: int) -> requests.Response:
    """Request a file's bytes from a position on; a request without an answer, or with a passing error, is repeated.

    Parameters
    ----------
    url : str
        Address of the file.
    start : int
        Bytes to skip, if the server supports ranges.

    Returns
    -------
    requests.Response
        The last answer, whatever its status; its body is not read yet.

    Raises
    ------
    requests.RequestException
        If the URL is invalid or no attempt got an answer.
    """
    if not hasattr(_THREAD, "session"):
        _THREAD.session = _new_session()
    headers = {"Range": f"bytes={start}-"} if start else None
    return _THREAD.session.get(url, headers=headers, stream=True, timeout=_TIMEOUT)


def _new_session() -> requests.Session:
    session = requests.Session()
    session.headers.update({"User-Agent": "songwise", "Accept-Encoding": "identity"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=new_retries()))
    return session
