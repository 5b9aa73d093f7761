"""Read the tags of many files in child processes, so that a malicious file costs one child and a limited time."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from songwise.library import tag_reader
from songwise.library.tag_reader import LIMIT, Tags


class _Task(NamedTuple):
    child: subprocess.Popen
    index: int
    start: float


def read_tags(
    paths: Sequence[Path],
    *,
    limit: float = LIMIT,
    step: Callable[[], None] = lambda: None,
) -> list[Tags]:
    """Return the tags of each of these files, in their order.

    There is one child per core. If a file takes longer than `limit`, or if its child dies, only this file has no tags.

    Parameters
    ----------
    paths : sequence of Path
        Music files.
    limit : float, default=10
        Seconds per file.
    step : callable, optional
        Called once per file.

    Returns
    -------
    list of Tags
        `Tags.problem` is the reason if a file could not be read.
    """
    tags: list[Tags] = [Tags(problem="was not read")] * len(paths)
    waiting = iter(enumerate(paths))
    busy: dict[int, _Task] = {}
    children = [_start() for _ in range(min(os.cpu_count() or 1, len(paths)))]
    try:
        free = list(children)
        while True:
            while free and (entry := next(waiting, None)):
                _assign(free.pop(), entry, busy)
            if not busy:
                return tags
            for stream, is_ready in _answered_or_overdue(busy, limit):
                child, index, _ = busy.pop(stream)
                answer = child.stdout.readline() if is_ready else b""
                if answer.endswith(b"\n"):
                    tags[index] = Tags(**json.loads(answer))
                else:
                    tags[index] = Tags(problem="crashes the tag reader" if is_ready else "takes too long to read")
                    children.remove(child)
                    _end(child)
                    child = _start()
                    children.append(child)
                free.append(child)
                step()
    finally:
        for child in children:
            _end(child)


def _answered_or_overdue(busy: dict[int, _Task], limit: float) -> list[tuple[int, bool]]:
    """Wait a moment; return the streams to handle, and whether each can be read."""
    ready, _, _ = select.select(list(busy), [], [], 0.5)
    now = time.monotonic()
    return [(stream, stream in ready) for stream, task in busy.items() if stream in ready or now - task.start > limit]


def _start() -> subprocess.Popen:
    # -P: no file of the current folder is imported instead of tinytag.
    command = [sys.executable, "-P", str(Path(tag_reader.__file__).resolve())]
    environment = {name: value for name, value in os.environ.items() if name != "TINYTAG_DEBUG"}  # prints to stdout
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )


def _assign(child: subprocess.Popen, entry: tuple[int, Path], busy: dict[int, _Task]) -> None:
    index, path = entry
    busy[child.stdout.fileno()] = _Task(child, index, time.monotonic())
    with suppress(BrokenPipeError):  # a dead child shows when its answer is read
        child.stdin.write(json.dumps(str(path)).encode() + b"\n")
        child.stdin.flush()


def _end(child: subprocess.Popen) -> None:
    child.kill()
    child.wait()
    child.stdout.close()
    with suppress(BrokenPipeError):
        child.stdin.close()
