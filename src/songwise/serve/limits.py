"""What a server accepts, and for how long it waits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of a server. Every wait has an end, and every queue a length.

    Attributes
    ----------
    max_bytes : int, default=200 MiB
        Size of an upload.
    max_seconds : float, default=900
        Length of the audio in an upload.
    at_once : int, default=64
        Uploads that are received, waiting or running together.
    per_client : int, default=24
        The same, for one client.
    job_seconds : float, default=120
        Time for one file in a worker. Then the worker is killed and replaced.
    wait_seconds : float, default=300
        Time that an upload waits for a worker.
    stall_seconds : float, default=20
        Time without a byte from a client: in the head of a request, in its body, and while it reads an answer.
    upload_seconds : float, default=300
        Time for a whole upload.
    stop_seconds : float, default=30
        Time for running requests to finish after Ctrl-C.
    spare_bytes : int, default=256 MiB
        Space that uploads leave free on the disk.
    connections : int, default=256
        Open connections.
    """

    max_bytes: int = 200 << 20
    max_seconds: float = 900
    at_once: int = 64
    per_client: int = 24
    job_seconds: float = 120
    wait_seconds: float = 300
    stall_seconds: float = 20
    upload_seconds: float = 300
    stop_seconds: float = 30
    spare_bytes: int = 256 << 20
    connections: int = 256
