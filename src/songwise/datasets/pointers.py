"""What DVC's pointers say: data/raw/NAME.dvc names, by md5, a listing of files, which lies in DVC's cache.

Both come from others, by git or by a remote, so what they name is checked before anything is done with it: DVC itself
writes a file whose listed name climbs out of the folder to where that name leads.
"""

import json
import re
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from songwise.errors import InputError, raise_all
from songwise.files import file_digest
from songwise.schemas.read import read_yaml

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # of a data set, as the schema has it
_MD5 = re.compile(r"[0-9a-f]{32}")
_KEYS = {"md5", "size", "nfiles", "hash", "path", "remote", "desc", "labels", "meta"}


@dataclass(frozen=True)
class Pointer:
    """A file that `dvc add FOLDER` wrote.

    Attributes
    ----------
    path : the pointer itself, FOLDER.dvc.
    folder : what it points to.
    md5 : 32 hexadecimal digits, of the listing.
    """

    path: Path
    folder: Path
    md5: str

    @property
    def version(self) -> str:
        """The hash as DVC writes it."""
        return f"{self.md5}.dir"


def pointer_path(stage: str, name: str, root: Path = Path()) -> Path:
    """Where the pointer to a data set's folder lies; `stage` is raw, clips or features."""
    return root / "data" / stage / f"{name}.dvc"


def read_pointer(path: Path) -> Pointer:
    """A pointer, checked: it points to the folder beside it that has its name, and to nothing else.

    Raises
    ------
    InputError : it cannot be read, or is none that `dvc add` made of that folder.
    """
    content = read_yaml(path)
    folder = path.with_suffix("")
    outs = content.get("outs")
    out = outs[0] if isinstance(outs, list) and len(outs) == 1 and isinstance(outs[0], dict) else {}
    md5, _, kind = str(out.get("md5", "")).partition(".")
    problems = [f"has a key '{key}', which a pointer to shared data has not" for key in content.keys() - {"outs"}]
    problems += [f"has a key '{key}', which a pointer to shared data has not" for key in out.keys() - _KEYS]
    if out.get("path") != folder.name:
        problems.append(f"points to {out.get('path')!r} where the folder '{folder.name}' beside it is expected")
    if not _MD5.fullmatch(md5) or kind != "dir" or out.get("hash") != "md5":
        problems.append("names no md5 of a folder's listing")
    raise_all(path, problems)
    return Pointer(path, folder, md5)


def cache_folder(root: Path) -> Path:
    """Where DVC keeps the project's files by their md5: .dvc/cache, or what the project's DVC config names."""
    config = ConfigParser(interpolation=None, strict=False)
    try:
        config.read([root / ".dvc" / "config", root / ".dvc" / "config.local"], encoding="utf-8")
        named = config.get("cache", "dir", fallback="cache")
    except (ConfigError, UnicodeDecodeError):
        named = "cache"  # DVC itself will say what is wrong with its config
    return root / ".dvc" / Path(named).expanduser() / "files" / "md5"


def object_path(cache: Path, md5: str) -> Path:
    """Where the bytes of this md5 lie in the cache."""
    return cache / md5[:2] / md5[2:]


def read_listing(pointer: Pointer, cache: Path) -> dict[str, str]:
    """The files that a pointer stands for: the path of each below its folder, and its md5.

    Raises
    ------
    InputError : the listing is not in the cache, is not the one that the pointer names, or names files elsewhere.
    """
    path = object_path(cache, pointer.version)
    try:
        if file_digest(path, "md5") != pointer.md5:
            path.unlink()
            raise InputError(f"{pointer.path}: the list of its files has other bytes than the pointer says")
        listed = json.loads(path.read_text(encoding="utf-8"))
        found = {entry["relpath"]: entry["md5"] for entry in listed}
    except OSError as error:
        raise InputError(f"{pointer.path}: the list of its files is not in {cache} ({error.strerror})") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{pointer.path}: what it names is no list of files") from error
    bad = [name for name, md5 in found.items() if not (_stays_below(name) and _is_md5(md5))]
    raise_all(pointer.path, [f"lists a file {name!r}, which is no place below {pointer.folder}" for name in bad])
    return found


def _stays_below(name: object) -> bool:
    if not isinstance(name, str) or "\\" in name or "\0" in name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.as_posix() == name != "."


def _is_md5(value: object) -> bool:
    return isinstance(value, str) and _MD5.fullmatch(value) is not None


def shared_version(name: str, root: Path) -> str | None:
    """The hash in data/raw/NAME.dvc, where it stands for the data at hand; None where it does not, or is not there.

    Compared are the lists of shards alone, in milliseconds: they hold the sha256 of every file that the figures rest
    on, each job compares what it decodes with what was first heard, and whatever of them changes is written anew by
    `acquire_tracks`. So where they are the pointer's, the music is.
    """
    path = pointer_path("raw", name, root)
    if not path.is_file():
        return None
    try:
        pointer = read_pointer(path)
        listing = read_listing(pointer, cache_folder(root))
    except InputError:
        return None
    listed = {file: md5 for file, md5 in listing.items() if file.startswith("shards/")}
    found = {f"shards/{path.name}": file_digest(path, "md5") for path in (pointer.folder / "shards").glob("*.json")}
    return pointer.version if listed and listed == found else None
