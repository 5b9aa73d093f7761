"""Programs run on files that nobody vouches for: children with limits, whose end is certain.

The limits on memory and CPU time are set by a shell that then becomes the program, so that they hold from its first
instruction and go on holding if this process is killed; a child that then still writes ends at its broken pipe.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

_CHUNK = 1 << 16  # bytes: what a pipe holds
_SHORTEST_SLEEP, _LONGEST_SLEEP = 0.0005, 0.02  # seconds between looks at a child that has closed its pipes
# macOS knows no limit on address space: there the shell says so, unheard, and the others hold.
_LIMITED = 'ulimit -t "$1"; ulimit -v "$2" 2>/dev/null; shift 2; exec "$@"'


@dataclass(frozen=True)
class Limits:
    """What a child may use before it is killed.

    Attributes
    ----------
    seconds : of CPU time. Of wall time it has three times as many, since a busy machine is not the file's fault.
    memory : bytes of address space. A program that is refused more ends as it will, mostly with an error.
    output : bytes that it writes to stdout.
    messages : bytes that it writes to stderr.
    """

    seconds: float
    memory: int = 2 << 30
    output: int = 1 << 20
    messages: int = 8 << 20

    @property
    def wall_seconds(self) -> float:
        """Seconds from its start to its end."""
        return 3 * self.seconds


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes
    ----------
    code : its exit code; minus the signal's number where a signal ended it.
    output, messages : what it wrote to stdout and stderr, up to the limits. That of a song is large, and no copy.
    passed : the limit that it passed and was killed for, "seconds", "output" or "messages"; empty if none.
    """

    code: int
    output: bytearray
    messages: bytes
    passed: str

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it that no limit of its own explains: it crashed, or someone else killed it."""
        return self.code < 0 and not self.passed


def run(command: Sequence[str], *, limits: Limits, given: bytes = b"") -> Ended:
    """Run a program to its end, or to the first limit that it passes; then it and all that it started are killed.

    One that is killed for no limit of its own is run once more: most of the time that says nothing of what it read.

    Parameters
    ----------
    command : the program and its arguments; no shell reads them.
    given : bytes for its stdin.
    """
    ended = _run_once(command, limits, given)
    return _run_once(command, limits, given) if ended.was_killed else ended


def _run_once(command: Sequence[str], limits: Limits, given: bytes) -> Ended:
    whole_seconds = max(1, round(limits.seconds))  # all that ulimit knows
    process = subprocess.Popen(
        ["/bin/sh", "-c", _LIMITED, "sh", str(whole_seconds), str(limits.memory >> 10), *command],
        stdin=subprocess.PIPE if given else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        process_group=0,
    )
    deadline = time.monotonic() + limits.wall_seconds
    kept = {"output": bytearray(), "messages": bytearray()}
    usage = None
    try:
        passed = _exchange(process, given, kept, limits, deadline)
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
    return Ended(process.returncode, kept["output"], bytes(kept["messages"]), passed)


def _exchange(
    process: subprocess.Popen, given: bytes, kept: dict[str, bytearray], limits: Limits, deadline: float
) -> str:
    """Write and read until the child closes its pipes; the limit that it passed, if any."""
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
                    ended = not rest
                else:
                    chunk = os.read(key.fd, _CHUNK)
                    ended = not chunk
                    kept[key.data] += chunk
                    if len(kept[key.data]) > getattr(limits, key.data):
                        return key.data
                if ended:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
    return ""


def _write(pipe: int, rest: memoryview) -> memoryview:
    try:
        return rest[os.write(pipe, rest[:_CHUNK]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:  # it has read enough, or is gone
        return rest[:0]


def _reap(process: subprocess.Popen, may_wait: Callable[[], bool]):
    """Wait for the end while `may_wait`; what it used of the machine, or None if it goes on."""
    sleep = _SHORTEST_SLEEP
    while True:
        found, status, usage = os.wait4(process.pid, os.WNOHANG)
        if found:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        if not may_wait():
            return None
        time.sleep(sleep)
        sleep = min(2 * sleep, _LONGEST_SLEEP)
