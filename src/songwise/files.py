"""Files that are either whole or absent, stable hashes, and names safe on every file system."""

import csv
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from songwise.errors import InputError

_LONGEST_NAME = 120  # leaves room for suffixes below the 255 bytes of common file systems
_UNFINISHED = re.compile(r"\..*\.(\d+)\.unfinished(\.[^.]*)?")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; renamed to `path` on success, removed on error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: writers such as matplotlib choose their format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.unfinished{path.suffix}")
    try:
        yield temporary
        if temporary.is_dir() and path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    except BaseException:
        _remove(temporary)
        raise


def remove_unfinished(folder: Path) -> None:
    """Remove what processes that were killed while `replacing` left anywhere below `folder`."""
    for where, folders, names in os.walk(folder):
        for name in (*folders, *names):
            # By the first character first: there may be as many files as tracks.
            if name[0] == "." and (found := _UNFINISHED.fullmatch(name)) and not _is_alive(int(found[1])):
                _remove(Path(where, name))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8), whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value) -> None:
    """Write `value` as indented JSON with sorted keys."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write_rows(path: Path, columns: Iterable[str], rows: Iterable[Mapping]) -> None:
    """Write a CSV of `columns`, in that order; what else a row holds is left out."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(columns), lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV that songwise wrote, every value as text."""
    with Path(path).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The header and the rows of a CSV that someone else wrote; cells beyond the header stand under None, and missing
    ones are None.

    Raises
    ------
    InputError : it cannot be read, or is no CSV in UTF-8.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, strict=True)
            rows = list(reader)
            return list(reader.fieldnames or []), rows
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not a CSV file in UTF-8 ({error})") from error


def read_json(path: Path):
    """The value that a JSON file holds."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """The hash of a file's bytes, as hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def digest(value) -> str:
    """A short stable hash of any JSON value: equal values give equal digests on every machine."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stable_hash(text: str) -> int:
    """An integer from text that, unlike `hash`, is the same in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def safe_name(identifier: str) -> str:
    """A file name for any identifier, one to one: percent-encoded, long ones cut and told apart by a hash."""
    name = quote(identifier, safe=" ()+,=&'!")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}~{digest(identifier)}"
    return name


_ALGORITHMS = ("sha256", "sha1", "md5")


class Checksum(NamedTuple):
    """What a file must hash to: the algorithm's name in hashlib, and hexadecimal digits."""

    algorithm: str
    digits: str


def checksum_of(entry: Mapping) -> Checksum:
    """The checksum of a download of a data set's file, which has at least one."""
    return next(Checksum(name, entry[name]) for name in _ALGORITHMS if name in entry)
