"""Around every request: who may send it, which headers the answer has, and one line in the log.

A server on 127.0.0.1 is reachable for every web page that the user's browser has open. Two checks keep them out. The
Host header must name this machine, otherwise a foreign domain can point to 127.0.0.1 and read the answers (DNS
rebinding). A POST that comes from a browser must come from the server's own page (cross-site request forgery).
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from songwise.serve.api_error import ApiError
from songwise.text import clean_text

_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"microphone=(self), camera=(), geolocation=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_UNCHANGING = ("GET", "HEAD", "OPTIONS")
_LONGEST = 100  # characters of a path in the log


class GoneError(Exception):
    """The client closed the connection before the answer was complete."""


class Guard:
    """An ASGI application around another one.

    Parameters
    ----------
    app : callable
        The ASGI application that answers.
    port : int
        Port of the server, which the Host header must have.
    say : callable
        Takes one line of the log per request.
    """

    def __init__(self, app: Callable, *, port: int, say: Callable[[str], None]):
        self._app, self._say = app, say
        names = ("127.0.0.1", "localhost", "[::1]")
        self._hosts = {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())

    async def __call__(self, scope, receive, send) -> None:
        """Answer one request, whatever the application does with it."""
        if scope["type"] != "http":
            return
        start = time.monotonic()
        answer = _Answer(send)
        try:
            await (self._problem(scope) or self._app)(scope, receive, answer.send)
        except ApiError as problem:
            if not answer.status:
                await problem(scope, receive, answer.send)
        except GoneError:
            pass
        except Exception as error:
            self._say(f"a bug of songwise, please report it: {describe(error)}")
            if not answer.status:
                await ApiError.of_status(500)(scope, receive, answer.send)
        finally:
            path = clean_text(scope["path"], _LONGEST)
            milliseconds = 1000 * (time.monotonic() - start)
            method = clean_text(scope["method"], 20)
            self._say(f"{method} {path} {answer.status or 'no answer: the client left'} {milliseconds:.0f} ms")

    def _problem(self, scope) -> ApiError | None:
        hosts, origins, sites = (_values(scope, name) for name in (b"host", b"origin", b"sec-fetch-site"))
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            message = "This server answers only on this machine. Open the address that songwise printed."
            return ApiError(421, "wrong_host", message)
        if scope["method"] in _UNCHANGING:
            return None
        foreign_origin = any(origin.lower() != f"http://{hosts[0].lower()}" for origin in origins)
        if foreign_origin or any(site != "same-origin" for site in sites):
            message = "A page of another site sent this request. Use the page of this server or a program."
            return ApiError(403, "wrong_origin", message)
        return None


class _Answer:
    """The messages of one response on their way out: with the server's headers, and errors as JSON."""

    def __init__(self, send: Callable):
        self._send = send
        self._replaced = False
        self.status = 0

    async def send(self, message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", []))
            if self.status >= 400 and not _is_json(headers):
                self._replaced = True
                problem = ApiError.of_status(self.status)
                headers = [item for item in headers if item[0] not in (b"content-type", b"content-length")]
                await self._send({**message, "headers": headers + problem.headers + _HEADERS})
                await self._send({"type": "http.response.body", "body": problem.body})
                return
            await self._send({**message, "headers": headers + _HEADERS})
        elif not self._replaced:
            await self._send(message)


def describe(error: BaseException) -> str:
    """Return the kind of an error and the line that raised it, without any path or text from a request.

    Parameters
    ----------
    error : BaseException
        A caught error.

    Returns
    -------
    str
        Such as "ValueError in picture.py, line 12".
    """
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" in {Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"


def _values(scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _is_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-type" and value.startswith(b"application/json") for name, value in headers)
