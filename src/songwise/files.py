"""Files that are either complete or absent, stable hashes, and names that are valid on every file system."""

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
from songwise.owner import Owner, this_process

_LONGEST_NAME = 120  # leaves room for suffixes below the 255 bytes of common file systems
_UNFINISHED = re.compile(r"\..*\.(?P<host>[^.]+)\.(?P<process>\d+)\.(?P<run>\w+)\.unfinished(\.[^.]*)?")
_ALGORITHMS = ("sha256", "sha1", "md5")
_ENDS = {".csv": b"\n", ".json": b"\n", ".parquet": b"PAR1", ".arrow": b"ARROW1", ".png": b"IEND\xaeB`\x82"}


class DamagedFileError(InputError, ValueError):
    """A file that songwise wrote is no longer what it wrote.

    It is a ValueError too, for readers that do without the file.

    Parameters
    ----------
    path : Path
        The file.
    why : str
        What is wrong with it.
    """

    def __init__(self, path: Path, why: str):
        super().__init__(f"{path} is damaged ({why}). Delete it and run snakemake again, which makes it")


class Checksum(NamedTuple):
    """What a file must hash to.

    Attributes
    ----------
    algorithm : str
        Its name in hashlib.
    digits : str
        Hexadecimal.
    """

    algorithm: str
    digits: str


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; it becomes `path` on success and is removed on error.

    Parameters
    ----------
    path : Path
        A file, or a folder to be replaced whole. Its parent is created.

    Yields
    ------
    Path
        Beside `path`, with the same suffix.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: writers such as matplotlib choose their format by it.
    host, process, run = this_process()
    temporary = path.with_name(f".{path.stem}.{host}.{process}.{run}.unfinished{path.suffix}")
    try:
        yield temporary
        if temporary.is_dir() and path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    except BaseException:
        _remove(temporary)
        raise


def remove_unfinished(folder: Path) -> None:
    """Remove what processes that were killed while `replacing` left below a folder.

    Parameters
    ----------
    folder : Path
        Searched with all of its subfolders.
    """
    for where, folders, names in os.walk(folder):
        for name in (*folders, *names):
            # The cheap test comes first: there may be as many files as tracks.
            if name[0] == "." and (found := _UNFINISHED.fullmatch(name)):
                owner = Owner(found["host"], int(found["process"]), found["run"])
                if owner.is_gone():
                    _remove(Path(where, name))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8), whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    text : str
        Its content.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value) -> None:
    """Write a value as indented JSON with sorted keys, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    value : object
        Anything that JSON can express.
    """
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write_rows(path: Path, columns: Iterable[str], rows: Iterable[Mapping]) -> None:
    """Write a CSV, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    columns : iterable of str
        Its header, in order. Other keys of a row are left out.
    rows : iterable of mapping
        One per line.
    """
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(columns), lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def check_whole(path: Path) -> None:
    """Check that the end of a file that songwise wrote is there: of a CSV, JSON, Parquet, Arrow or PNG file.

    Parameters
    ----------
    path : Path
        The file. Nothing is known about files with other suffixes.

    Raises
    ------
    DamagedFileError
        If the file was truncated. Without its last rows, a table can look complete.
    """
    end = _ENDS.get(path.suffix)
    if end is None:
        return
    with path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - len(end)))
        if stream.read() != end:
            raise DamagedFileError(path, "its end is missing")


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV that songwise wrote, every value as text.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    DamagedFileError
        If its end is missing.
    """
    check_whole(Path(path))
    with Path(path).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return the header and the rows of a CSV that someone else wrote.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    header : list of str
        Names of the columns.
    rows : list of dict
        Column to text. Cells beyond the header are under the key None; the value of a missing cell is None.

    Raises
    ------
    InputError
        If the file cannot be read, or is not a CSV file in UTF-8.
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
    """Return the value of a JSON file that songwise wrote.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    DamagedFileError
        If it is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise DamagedFileError(path, str(error)) from None


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the hash of a file's bytes.

    Parameters
    ----------
    path : Path
        The file.
    algorithm : str, default="sha256"
        A name that hashlib knows.

    Returns
    -------
    str
        Hexadecimal digits.
    """
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def checksum_of(entry: Mapping) -> Checksum:
    """Return the checksum of a download in a data set's file, the strongest if it has several.

    Parameters
    ----------
    entry : mapping
        With at least one of the keys sha256, sha1 and md5.
    """
    return next(Checksum(name, entry[name]) for name in _ALGORITHMS if name in entry)


def digest(value) -> str:
    """Return a short stable hash of any JSON value: equal values have equal digests on every machine.

    Parameters
    ----------
    value : object
        Anything that JSON can express; other objects count as their text.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stable_hash(text: str) -> int:
    """Return an integer from text that, unlike `hash`, is the same in every process.

    Parameters
    ----------
    text : str
        Any text.
    """
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def safe_name(identifier: str) -> str:
    """Return a file name for an identifier that is valid on every file system.

    The mapping is one to one: other characters are percent-encoded, and long names are cut and get a hash.

    Parameters
    ----------
    identifier : str
        Any text.
    """
    name = quote(identifier, safe=" ()+,=&'!")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}~{digest(identifier)}"
    return name
