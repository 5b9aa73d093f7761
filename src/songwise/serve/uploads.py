"""Uploads: a private folder that never outlives its server for long, and bodies streamed into it under limits."""

import asyncio
import fcntl
import itertools
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from songwise.errors import InputError, is_disk_full
from songwise.serve.api_error import ApiError
from songwise.serve.guard import GoneError
from songwise.serve.limits import Limits
from songwise.text import clean_text

_PREFIX = "songwise-serve-"
_NEW = "songwise-new-"
_LOCK = "lock"
_BLOCK = 256 << 10  # bytes written at once
# ffmpeg looks at the suffix too, so an upload has that of its name: one of these, never text from the request.
_SUFFIXES = (
    *(".aac", ".aif", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mka", ".mkv", ".mov", ".mp3", ".mp4", ".oga", ".ogg"),
    *(".opus", ".w64", ".wav", ".webm"),
)
_DIGITS = 20
_LONGEST_NAME = 200  # characters


class UploadFolder:
    """A private temporary folder for the uploads of one server.

    The folder holds a lock of the operating system while its server lives. The next server removes folders whose lock
    is free: those of servers that were killed.

    Attributes
    ----------
    path : Path
        The folder, which only its owner can read.
    """

    def __init__(self):
        try:
            new = Path(tempfile.mkdtemp(prefix=_NEW))
            # It gets its name with the lock, so that no other server takes it for a leftover.
            self._lock = _locked(new)
            self.path = new.rename(new.with_name(_PREFIX + new.name.removeprefix(_NEW)))
        except OSError as error:
            message = f"cannot write to {tempfile.gettempdir()} ({error.strerror}). Set TMPDIR to another folder"
            raise InputError(message) from error
        self._numbers = itertools.count(1)
        _remove_leftovers(self.path)

    def new_file(self, name: str) -> Path:
        """Return a path for an upload, which no other upload has.

        Parameters
        ----------
        name : str
            Name of the user's file. Only a known suffix of it is used.
        """
        suffix = next((known for known in _SUFFIXES if name.lower().endswith(known)), "")
        return self.path / f"upload-{next(self._numbers)}{suffix}"

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def _locked(folder: Path) -> TextIO:
    lock = (folder / _LOCK).open("a")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def _remove_leftovers(own: Path) -> None:
    for folder in own.parent.glob(f"{_PREFIX}*"):
        try:
            about = folder.lstat()
            if folder == own or not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
                continue
            with _locked(folder):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # its server lives, or has just removed it
            continue


def shown_name(name: str) -> str:
    """Return the name of an upload as answers and pages may show it: without folders and invisible characters.

    Parameters
    ----------
    name : str
        As the client sent it.

    Returns
    -------
    str
        At most 200 characters; "upload" if nothing is left.
    """
    return clean_text(name.replace("\\", "/").rpartition("/")[2], _LONGEST_NAME) or "upload"


async def store_body(receive: Callable, path: Path, *, declared: str | None, limits: Limits) -> None:
    """Write the body of a request to a file while it arrives. An incomplete file is left to the caller.

    Parameters
    ----------
    receive : callable
        ASGI's.
    path : Path
        The file to write. It must not exist.
    declared : str or None
        The header Content-Length. It can only refuse an upload earlier, never allow one.
    limits : Limits
        Of which `max_bytes`, `stall_seconds`, `upload_seconds` and `spare_bytes` are used.

    Raises
    ------
    ApiError
        400 without a file, 408 too slow, 413 too big, 503 if the disk is nearly full.
    GoneError
        If the client closed the connection.
    """
    # Python refuses to read numbers of thousands of digits.
    size = int(declared[:_DIGITS]) if declared and declared.isdecimal() and declared.isascii() else 0
    _check(size, path, limits)
    try:
        async with asyncio.timeout(limits.upload_seconds):
            with path.open("xb", buffering=0) as file:
                received = await _copy(receive, file, path, limits)
    except TimeoutError:
        message = "The upload was too slow, so it was stopped. Send the file again."
        raise ApiError(408, "slow", message) from None
    except OSError as error:
        if is_disk_full(error):
            raise _disk_problem() from error
        raise
    if not received:
        message = "The request has no file. Send the bytes of an audio file as its body."
        raise ApiError(400, "no_file", message)


async def _copy(receive: Callable, file, path: Path, limits: Limits) -> int:
    received, block = 0, bytearray()
    while True:
        async with asyncio.timeout(limits.stall_seconds):
            message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        block += message.get("body", b"")
        is_last = not message.get("more_body", False)
        if len(block) >= _BLOCK or is_last:
            received += len(block)
            _check(received, path, limits)
            await asyncio.to_thread(_write, file, block)
            block = bytearray()
        if is_last:
            return received


def _write(file, block: bytearray) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[file.write(rest) :]


def _check(size: int, path: Path, limits: Limits) -> None:
    if size > limits.max_bytes:
        message = f"The file is larger than {limits.max_bytes / 2**20:g} MiB. Send a shorter piece of it, or an MP3."
        raise ApiError(413, "too_big", message)
    if shutil.disk_usage(path.parent).free - size < limits.spare_bytes:
        raise _disk_problem()


def _disk_problem() -> ApiError:
    message = "The disk of the server is nearly full. Free some space, or try again later."
    return ApiError(503, "disk_full", message)
