"""The files that a command names: files, folders, and a list on standard input."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from songwise.datasets.folder import AUDIO_SUFFIXES
from songwise.errors import InputError

LIST = "-"  # one path per line on standard input


def list_files(words: Sequence[str], stdin: Iterable[str] | None = None) -> list[Path]:
    """Return the audio files that the words of a command name.

    Parameters
    ----------
    words : sequence of str
        Files, which may have any name; folders, which are searched with their subfolders; or "-" for a list of both on
        standard input, one per line.
    stdin : iterable of str, optional
        Lines of the list; sys.stdin by default.

    Returns
    -------
    list of Path
        Each file once, in the order of the words. Files in folders are sorted, and hidden ones are skipped.

    Raises
    ------
    InputError
        If a folder, or all words together, contain no audio file.
    """
    files: dict[Path, None] = {}
    for word in words:
        if word == LIST:
            lines = [line.rstrip("\r\n") for line in (sys.stdin if stdin is None else stdin)]
            files |= dict.fromkeys(path for line in lines if line.strip() for path in _files_of(Path(line)))
        else:
            files |= dict.fromkeys(_files_of(Path(word)))
    if not files:
        raise InputError("there is nothing to listen to: the list on standard input is empty")
    return list(files)


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in AUDIO_SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not found:
        raise InputError(f"{path}: contains no audio files ({', '.join(sorted(AUDIO_SUFFIXES))})")
    return found
