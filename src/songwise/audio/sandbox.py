"""Run programs on untrusted files: child processes with limits that always end.

A shell sets the limits on memory and CPU time, and then becomes the program. So the limits hold from the program's
first instruction, and still hold if this process is killed. A child that writes after that ends at its broken pipe.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

_CHUNK = 1 << 16  # bytes: the capacity of a pipe
_SHORTEST_SLEEP, _LONGEST_SLEEP = 0.0005, 0.02  # seconds between checks of a child that has closed its pipes
# macOS cannot limit the address space. There the shell's error message is discarded, and the other limits hold.
_LIMITED = 'ulimit -t "$1"; ulimit -v "$2" 2>/dev/null; shift 2; exec "$@"'


@dataclass(frozen=True)
class Limits:
    """What a child may use before it is killed.

    Attributes
    ----------
    seconds : float
        CPU time. Three times as much wall time is allowed, because the file is not to blame for a busy machine.
    memory : int, default=2 GiB
        Bytes of address space. A program that is refused more usually ends with an error.
    output : int, default=1 MiB
        Bytes that it writes to stdout.
    messages : int, default=8 MiB
        Bytes that it writes to stderr.
    """

    seconds: float
    memory: int = 2 << 30
    output: int = 1 << 20
    messages: int = 8 << 20

    @property
    def wall_seconds(self) -> float:
        """Return the seconds that may pass from its start to its end."""
        return 3 * self.seconds


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes
    ----------
    code : int
        Exit code. Minus the signal's number if a signal ended the child.
    output : bytearray
        What it wrote to stdout, up to the limit. Not copied to bytes, because that of a song is large.
    messages : bytes
        What it wrote to stderr, up to the limit.
    passed : str
        The limit that it exceeded and was killed for: "seconds", "output" or "messages". Empty if none.
    """

    code: int
    output: bytearray
    messages: bytes
    passed: str

    @property
    def was_killed(self) -> bool:
        """Return whether a signal ended it although it exceeded no limit: it crashed, or someone else killed it."""
        return self.code < 0 and not self.passed


def run(command: Sequence[str], *, limits: Limits, given: bytes = b"") -> Ended:
    """Run a program to its end, or until it exceeds a limit.

    At a limit, the program and everything that it started are killed. A program that was killed without exceeding a
    limit is run once more, because the cause is usually not the file that it read.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments. No shell interprets them.
    limits : Limits
        What the program may use.
    given : bytes, optional
        Bytes for its stdin.

    Returns
    -------
    Ended
        Its output, its messages, and how it ended.
    """
    ended = _run_once(command, limits, given)
    return _run_once(command, limits, given) if ended.was_killed else ended


def _run_once(command: Sequence[str], limits: Limits, given: bytes) -> Ended:
    whole_seconds = max(1, round(limits.seconds))  # ulimit takes no fractions
    process = subprocess.Popen(
        ["/bin/sh", "-c", _LIMITED, "sh", str(whole_seconds), str(limits.memory >> 10), *command],
        stdin=subprocess.PIPE if given else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        process_group=0,
    )
    deadline = time.monotonic() + limits.wall_seconds
    received = {"output": bytearray(), "messages": bytearray()}
    usage = None
    try:
        passed = _exchange(process, given, received, limits, deadline)
        if not passed:
            usage = _reap(process, lambda: time.monotonic() < deadline)
            passed = "" if usage else "seconds"
    finally:
        if not usage:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            usage = _reap(process, lambda: True)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()
    if process.returncode in (-signal.SIGKILL, -signal.SIGXCPU) and not passed:
        passed = "seconds" if usage.ru_utime + usage.ru_stime > whole_seconds - 0.5 else ""
    return Ended(process.returncode, received["output"], bytes(received["messages"]), passed)


def _exchange(
    process: subprocess.Popen, given: bytes, received: dict[str, bytearray], limits: Limits, deadline: float
) -> str:
    """Write and read until the child closes its pipes; return the limit that it exceeds, if any."""
    rest = memoryview(given)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, "output")
        selector.register(process.stderr, selectors.EVENT_READ, "messages")
        if given:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE, "given")
        while selector.get_map():
            if time.monotonic() >= deadline:
                return "seconds"
            for key, _ in selector.select(max(0.0, deadline - time.monotonic())):
                if key.data == "given":
                    rest = _write(key.fd, rest)
                    is_done = not rest
                else:
                    chunk = os.read(key.fd, _CHUNK)
                    is_done = not chunk
                    received[key.data] += chunk
                    if len(received[key.data]) > getattr(limits, key.data):
                        return key.data
                if is_done:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
    return ""


def _write(pipe: int, rest: memoryview) -> memoryview:
    try:
        return rest[os.write(pipe, rest[:_CHUNK]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:  # the child has read enough, or has ended
        return rest[:0]


def _reap(process: subprocess.Popen, may_wait: Callable[[], bool]):
    """Wait for the end while `may_wait()`; return the resources that the child used, or None if it still runs."""
    sleep = _SHORTEST_SLEEP
    while True:
        number, status, usage = os.wait4(process.pid, os.WNOHANG)
        if number:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        if not may_wait():
            return None
        time.sleep(sleep)
        sleep = min(2 * sleep, _LONGEST_SLEEP)
