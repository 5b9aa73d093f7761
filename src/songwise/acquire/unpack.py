"""Extraction of tar and zip archives: only the wanted members, and nothing from a harmful archive.

Archives come from strangers. Names, types, counts and sizes are checked before they are used. Every file is written to
a temporary name first, and a file that is already complete is not written again.
"""

import bz2
import gzip
import io
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from songwise.errors import InputError, disk_full, is_disk_full

_PIECE = 1 << 20  # bytes read and written at a time
_LARGEST_SONG = 2 << 30  # bytes
_MOST_MEMBERS = 200_000  # or four times the wanted members; FMA's largest archive has 106,731
_UNPACKED = 20  # times the archive's own size: silence in WAV reaches it, music does not
_UNPACKED_FLOOR = 1 << 30  # bytes that even the smallest archive may contain
_TAR_HEADER = 64 << 10  # bytes; names and pax records are read at once
_ZIP_DIRECTORY = 32 << 20  # bytes; the list of members is read at once
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}
_OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_OTHERS = 5  # names kept of members that are not wanted
_DAMAGED = (
    EOFError,
    OSError,
    RecursionError,
    UnicodeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass
class Unpacked:
    """The result of extracting an archive.

    Attributes
    ----------
    members : dict of str to int
        Path and bytes of each wanted member in the archive.
    others : list of str
        Some of the files in the archive that were not wanted.
    """

    members: dict[str, int] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


class _RefusedError(InputError):
    """An archive from which nothing must be used."""


def unpack(
    archive: Path,
    wanted: Set[str],
    folder: Path,
    *,
    report: Callable[[int, int | None], None] = lambda done, total: None,
) -> Unpacked:
    """Write the wanted members of an archive below a folder.

    An archive is refused as a whole if a member's path leaves the folder, a member is a link or a device, a wanted
    path occurs twice, or there are too many members or bytes. Nothing from a refused archive remains.

    Parameters
    ----------
    archive : Path
        A tar (plain, gz, bz2 or xz) or zip archive.
    wanted : set of str
        Paths of members, as pathlib writes them.
    folder : Path
        Where to write them.
    report : callable, optional
        Receives the bytes of the archive that are done, and their total.

    Returns
    -------
    Unpacked
        The members that were written or were already complete.

    Raises
    ------
    InputError
        If the archive is refused, damaged, encrypted, or neither tar nor zip, or if the disk is full.
    """
    unpacked = Unpacked()
    try:
        with archive.open("rb") as file:
            head = file.read(8)
        extract = _unpack_zip if head[:2] == b"PK" else _unpack_tar
        folder.mkdir(parents=True, exist_ok=True)
        extract(archive, wanted, folder, report, unpacked)
    except _RefusedError:
        for path in unpacked.members:
            (folder / path).unlink(missing_ok=True)
        raise
    except NotImplementedError as error:
        raise InputError(f"{archive}: cannot be unpacked ({error})") from error
    except _DAMAGED as error:
        after = f" after {_shown(next(reversed(unpacked.members)))}" if unpacked.members else ""
        raise InputError(f"{archive}: incomplete or damaged{after} ({error}). Delete it and run again") from error
    finally:
        _temporary(folder).unlink(missing_ok=True)
    return unpacked


def check_room(folder: Path, needed: int, what: str) -> None:
    """Check that a disk has enough space.

    Parameters
    ----------
    folder : Path
        Any folder on the disk.
    needed : int
        Bytes.
    what : str
        What needs them, for the message.

    Raises
    ------
    InputError
        If fewer bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"{what} needs {_mebibytes(needed)} in {folder}, but only {_mebibytes(free)} are free. "
            f"Free {_mebibytes(needed - free)} more"
        )


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"


def _unpack_tar(archive: Path, wanted: Set[str], folder: Path, report: Callable, unpacked: Unpacked) -> None:
    limits = _Limits(archive, wanted)
    with archive.open("rb") as file:
        head = file.read(6)
        file.seek(0)
        opener = next((opener for magic, opener in _OPENERS.items() if head.startswith(magic)), None)
        stream = _Forward(opener(file) if opener else file, limits)
        try:
            tar = tarfile.TarFile(fileobj=stream)
        except (tarfile.ReadError, tarfile.HeaderError) as error:
            raise InputError(f"{archive}: is neither a tar nor a zip archive ({error})") from error
        while member := tar.next():
            tar.members = []  # each is needed once, and there may be many
            kind = _kind_of_tar(member)
            stream.inside = member.name
            path = limits.checked(member.name, kind)
            if member.size < 0:
                raise tarfile.ReadError("a negative size")
            if kind == "file" and path in wanted:
                limits.check_wanted(member.name, member.size, again=path in unpacked.members)
                if not _is_there(folder / path, member.size):
                    if stream.tell() != member.offset_data:
                        raise tarfile.ReadError("its headers contradict each other")
                    _write(folder, path, stream.pieces(member.size), member.size)
                unpacked.members[path] = member.size
            elif kind == "file":
                _note(unpacked, path)
            report(file.tell(), limits.size)
        if stream.last.strip(b"\0") or len(stream.last) < tarfile.BLOCKSIZE:
            raise tarfile.ReadError("the end of the archive is missing")


def _kind_of_tar(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "link"
    if member.isdir():
        return "folder"
    plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
    return "file" if plain else "device, pipe or other special file"


def _unpack_zip(archive: Path, wanted: Set[str], folder: Path, report: Callable, unpacked: Unpacked) -> None:
    with _Guarded(archive) as file, zipfile.ZipFile(file) as zipped:
        chosen = _choose(zipped, archive, wanted, unpacked)
        lacking = {path for path, info in chosen.items() if not _is_there(folder / path, info.file_size, info.CRC)}
        check_room(folder, sum(chosen[path].file_size for path in lacking), f"the content of {archive.name}")
        total, done = sum(info.compress_size for info in chosen.values()), 0
        for path, info in sorted(chosen.items(), key=lambda item: item[1].header_offset):
            if path in lacking:
                with zipped.open(info) as stream:
                    _write(folder, path, iter(lambda stream=stream: stream.read(_PIECE), b""), info.file_size)
            unpacked.members[path] = info.file_size
            done += info.compress_size
            report(done, total)


def _choose(zipped: zipfile.ZipFile, archive: Path, wanted: Set[str], unpacked: Unpacked) -> dict[str, zipfile.ZipInfo]:
    """Return the wanted members of a zip archive after a check of all of its members."""
    limits = _Limits(archive, wanted)
    chosen: dict[str, zipfile.ZipInfo] = {}
    for info in zipped.infolist():
        kind = _kind_of_zip(info)
        path = limits.checked(info.orig_filename, kind)
        limits.count(info.orig_filename, info.file_size)
        if kind == "file" and path in wanted:
            limits.check_wanted(info.orig_filename, info.file_size, again=path in chosen)
            if info.flag_bits & 1:
                raise InputError(f"{archive}: {_shown(path)} is encrypted, and songwise cannot decrypt it")
            if info.compress_type not in _METHODS:
                raise InputError(
                    f"{archive}: {_shown(path)} has compression method {info.compress_type}, which songwise does "
                    "not support. Unpack the archive with 7-Zip and use source type manifest"
                )
            chosen[path] = info
        elif kind == "file":
            _note(unpacked, path)
    return chosen


def _kind_of_zip(info: zipfile.ZipInfo) -> str:
    mode = stat.S_IFMT(info.external_attr >> 16)
    if mode == stat.S_IFLNK:
        return "link"
    if info.is_dir() or mode == stat.S_IFDIR:
        return "folder"
    return "file" if mode in (0, stat.S_IFREG) else "device, pipe or other special file"


class _Limits:
    """The limits on names, counts and sizes of an archive's members."""

    def __init__(self, archive: Path, wanted: Set[str]):
        self.size = archive.stat().st_size
        self._archive = archive
        self._members, self._most_members = 0, max(_MOST_MEMBERS, 4 * len(wanted))
        self._bytes, self._most_bytes = 0, max(_UNPACKED_FLOOR, _UNPACKED * self.size)

    def refusal(self, name: str, why: str) -> _RefusedError:
        return _RefusedError(
            f"{self._archive}: refused because its member {_shown(name)} {why}. Nothing from it is used"
        )

    def checked(self, name: str, kind: str) -> str:
        """Return the path of a member below the folder, as pathlib writes it."""
        self._members += 1
        if self._members > self._most_members:
            raise self.refusal(name, f"is one of more than {self._most_members:,}")
        windows = PureWindowsPath(name)
        if "\0" in name:
            raise self.refusal(name, "has a NUL character in its name")
        if name.startswith("/") or windows.drive or windows.root:
            raise self.refusal(name, "has an absolute path")
        if ".." in windows.parts:
            raise self.refusal(name, "leaves its folder through '..'")
        if kind not in ("file", "folder"):
            raise self.refusal(name, f"is a {kind}")
        return PurePosixPath(name).as_posix()

    def check_wanted(self, name: str, size: int, *, again: bool) -> None:
        if again:
            raise self.refusal(name, "occurs twice")
        if size > _LARGEST_SONG:
            raise self.refusal(name, f"is larger than any song ({_mebibytes(size)})")

    def count(self, name: str, size: int) -> None:
        """Count bytes that are unpacked, or would be."""
        self._bytes += size
        if self._bytes > self._most_bytes:
            raise self.refusal(name, f"raises the unpacked size to more than {_mebibytes(self._most_bytes)}")


class _Forward:
    """A stream that tarfile reads forward only, with limits on the size of a header and on the number of bytes."""

    def __init__(self, raw: io.BufferedIOBase, limits: _Limits):
        self._raw, self._limits = raw, limits
        self._position = 0
        self.inside = ""
        self.last = b""

    def tell(self) -> int:
        return self._position

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _TAR_HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        self.last = self._some(size)
        return self.last

    def seek(self, position: int) -> None:
        if position < self._position:
            raise tarfile.ReadError("its headers contradict each other")
        for _ in self.pieces(position - self._position):
            pass

    def pieces(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self._some(min(size, _PIECE))
            if not piece:
                raise EOFError("unexpected end of data")
            size -= len(piece)
            yield piece

    def _some(self, size: int) -> bytes:
        data = self._raw.read(size)
        self._position += len(data)
        self._limits.count(self.inside, len(data))
        return data


class _Guarded(io.FileIO):
    """A file with a limit on the size of the list of members that zipfile reads."""

    def read(self, size: int = -1) -> bytes:
        if size > _ZIP_DIRECTORY:
            raise zipfile.BadZipFile(f"a list of members of {_mebibytes(size)}")
        return super().read(size)


def _note(unpacked: Unpacked, path: str) -> None:
    parts = PurePosixPath(path).parts
    if len(unpacked.others) < _OTHERS and "__MACOSX" not in parts and not parts[-1].startswith("._"):
        unpacked.others.append(path)


def _shown(name: str) -> str:
    return ascii(name[:200])


def _temporary(folder: Path) -> Path:
    # One name for all, so that a killed run leaves one file, which the next overwrites.
    return folder / ".member.part"


def _is_there(path: Path, size: int, crc: int | None = None) -> bool:
    if not path.is_file() or path.stat().st_size != size:
        return False
    if crc is None:
        return True
    actual = 0
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            actual = zlib.crc32(piece, actual)
    return actual == crc


def _write(folder: Path, path: str, pieces: Iterable[bytes], size: int) -> None:
    written = 0
    with _writing(folder, path):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        stream = _temporary(folder).open("wb", buffering=0)
    with stream:
        for piece in pieces:
            rest = memoryview(piece)
            with _writing(folder, path):
                while rest:
                    rest = rest[stream.write(rest) :]
            written += len(piece)
    if written != size:
        raise EOFError(f"{_shown(path)} has {written:,} bytes instead of {size:,}")
    with _writing(folder, path):
        _temporary(folder).replace(folder / path)


@contextmanager
def _writing(folder: Path, path: str) -> Iterator[None]:
    # Some decompressors report damage as an OSError; errors of writing must be distinct from those.
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise InputError(f"cannot write {_shown(path)}: {disk_full(folder)}") from error
        raise InputError(f"{folder / path}: cannot write the file ({error.strerror})") from error
