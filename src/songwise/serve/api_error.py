"""Every error of the HTTP API: its status, its code for programs, and one sentence for people."""

import json

_RETRY_SECONDS = 5
_BUSY = {429, 503}
_TITLES = {  # of answers that do not come from songwise: those of Starlette and of the HTTP parser
    400: ("bad_request", "The request is not valid HTTP, or one of its headers is not valid."),
    404: ("not_found", "There is nothing at this address. See /docs for the addresses of this server."),
    405: ("wrong_method", "This address does not accept this method. See /docs for the methods of this server."),
    408: ("slow", "The request arrived too slowly. Send it again."),
    416: ("bad_range", "The file has no such range of bytes."),
    500: ("bug", "songwise failed on this request. This is a bug of songwise; please report it."),
    503: ("busy", "Too many connections are open. Try again in a few seconds."),
}


class ApiError(Exception):
    """A request cannot be answered.

    Parameters
    ----------
    status : int
        Status of the HTTP response.
    code : str
        A word for programs, such as "too_big".
    message : str
        One sentence for people: what is wrong and what to do.
    """

    def __init__(self, status: int, code: str, message: str):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    @classmethod
    def of_status(cls, status: int) -> "ApiError":
        """Return the problem that stands for a bare status."""
        code, message = _TITLES.get(status, ("error", f"The request failed with status {status}."))
        return cls(status, code, message)

    @property
    def body(self) -> bytes:
        """Return the body of the response: {"error": {"code": ..., "message": ...}} in UTF-8."""
        return json.dumps({"error": {"code": self.code, "message": self.message}}, ensure_ascii=False).encode()

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of the response, in lower case."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self.body))]
        return headers + ([(b"retry-after", b"%d" % _RETRY_SECONDS)] if self.status in _BUSY else [])

    async def __call__(self, scope, receive, send) -> None:
        """Send the problem as a response (ASGI). What is left of the request's body is discarded by the server."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})
