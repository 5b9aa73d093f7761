"""What workers send to the server: a fixed head (number of the request, status, size), then a body."""

import struct

HEAD = struct.Struct(">QIQ")
READY, FAILED = 1, 2  # statuses of a worker's first message, whose number is 0
_MOST = 64 << 20  # bytes; an answer for 15 minutes of audio and 200 classes is below 1 MiB


def write_message(stream, number: int, status: int, body: bytes) -> None:
    """Write one message and flush it.

    Parameters
    ----------
    stream : binary file
        The pipe to the server.
    number : int
        Number of the request.
    status : int
        Status of the HTTP response, or `READY` or `FAILED`.
    body : bytes
        JSON, or text for `FAILED`.
    """
    stream.write(HEAD.pack(number, status, len(body)) + body)
    stream.flush()


def read_head(head: bytes) -> tuple[int, int, int]:
    """Return the number, the status and the size of the body of a message.

    Parameters
    ----------
    head : bytes
        The first `HEAD.size` bytes of the message.

    Raises
    ------
    ValueError
        If the size is not plausible.
    """
    number, status, size = HEAD.unpack(head)
    if size > _MOST:
        raise ValueError("a worker announced an answer that is too large")
    return number, status, size
