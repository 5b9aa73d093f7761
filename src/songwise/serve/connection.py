"""Connections that end: uvicorn waits without limit for a slow request and for a client that reads no answer."""

from asyncio import TimerHandle

from uvicorn.protocols.http.h11_impl import H11Protocol

from songwise.serve.api_error import ApiError
from songwise.serve.limits import Limits

_REASONS = {400: b"Bad Request", 408: b"Request Timeout", 503: b"Service Unavailable"}


def protocol(limits: Limits) -> type[H11Protocol]:
    """Return uvicorn's protocol with limits.

    Parameters
    ----------
    limits : Limits
        Of which `stall_seconds` and `connections` are used.

    Returns
    -------
    type
        A class for `uvicorn.Config(http=...)`.
    """

    class Connection(H11Protocol):
        """One connection. Only the time of the application itself has no limit here."""

        _reading: TimerHandle | None = None
        _writing: TimerHandle | None = None

        def connection_made(self, transport) -> None:
            super().connection_made(transport)
            if len(self.connections) > limits.connections:
                self._refuse(503)
                return
            self._watch_reading()

        def connection_lost(self, exc: Exception | None) -> None:
            self._reading = _cancelled(self._reading)
            self._writing = _cancelled(self._writing)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch_reading()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._writing = _cancelled(self._writing)
            self._writing = self.loop.call_later(limits.stall_seconds, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            self._writing = _cancelled(self._writing)

        def send_400_response(self, msg: str) -> None:
            self._refuse(400)

        def _watch_reading(self) -> None:
            # The limit is for a whole head, and for a body that nobody wants any more: bytes do not extend it.
            if self.cycle is not None and not self.cycle.response_complete:
                self._reading = _cancelled(self._reading)
            elif self._reading is None:
                self._reading = self.loop.call_later(limits.stall_seconds, self._end_slow)

        def _end_slow(self) -> None:
            self._reading = None
            is_answered = self.cycle is not None and self.cycle.response_complete
            if self.cycle is None:
                self._refuse(408)
            elif is_answered:
                self.transport.abort()

        def _refuse(self, status: int) -> None:
            if self.transport.is_closing():
                return
            problem = ApiError.of_status(status)
            head = [b"HTTP/1.1 %d %s" % (status, _REASONS[status]), b"connection: close"]
            head += [name + b": " + value for name, value in problem.headers]
            self.transport.write(b"\r\n".join([*head, b"", problem.body]))
            self.transport.close()

    return Connection


def _cancelled(timer: TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
