"""DVC's pointers: data/raw/NAME.dvc has the md5 of a list of files, and the list is in DVC's cache.

Pointers and lists come from other people, by git or from a remote, so they are checked before they are used. DVC itself
does not check them: it would write a file whose listed name contains `..` outside the folder.
"""

import json
import re
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from songwise.errors import InputError, raise_all
from songwise.files import file_digest
from songwise.paths import CLIPS, FEATURES, RAW
from songwise.schemas.read import read_yaml

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # a data set's name, as in workflow/schemas/dataset.schema.yaml
_MD5 = re.compile(r"[0-9a-f]{32}")
_STAGES = {"raw": RAW, "clips": CLIPS, "features": FEATURES}
_KEYS = {"md5", "size", "nfiles", "hash", "path", "remote", "desc", "labels", "meta"}


@dataclass(frozen=True)
class Pointer:
    """A pointer file that `dvc add FOLDER` wrote.

    Attributes
    ----------
    path : Path
        The pointer file, FOLDER.dvc.
    folder : Path
        The folder that it points to.
    md5 : str
        32 hexadecimal digits: the hash of the list of the folder's files.
    """

    path: Path
    folder: Path
    md5: str

    @property
    def version(self) -> str:
        """Return the hash as DVC writes it, with the suffix .dir."""
        return f"{self.md5}.dir"


def pointer_path(stage: str, name: str, root: Path = Path()) -> Path:
    """Return the path of the pointer to a data set's folder.

    Parameters
    ----------
    stage : str
        raw, clips or features.
    name : str
        Name of the data set.
    root : Path, default=Path()
        The project's folder.

    Returns
    -------
    Path
        The pointer file, which may not exist.
    """
    return root / _STAGES[stage] / f"{name}.dvc"


def read_pointer(path: Path) -> Pointer:
    """Read a pointer, and check that it points to the folder beside it with the same name and to nothing else.

    Parameters
    ----------
    path : Path
        The pointer file.

    Returns
    -------
    Pointer
        Its content.

    Raises
    ------
    InputError
        If it cannot be read, or if it is not a pointer that `dvc add` makes for that folder.
    """
    content = read_yaml(path)
    folder = path.with_suffix("")
    outs = content.get("outs")
    out = outs[0] if isinstance(outs, list) and len(outs) == 1 and isinstance(outs[0], dict) else {}
    md5, _, kind = str(out.get("md5", "")).partition(".")
    unknown = [*(content.keys() - {"outs"}), *(out.keys() - _KEYS)]
    problems = [f"has a key '{key}', which does not belong in a pointer to shared data" for key in unknown]
    if out.get("path") != folder.name:
        problems.append(f"points to {out.get('path')!r}, but must point to the folder '{folder.name}' beside it")
    if not _MD5.fullmatch(md5) or kind != "dir" or out.get("hash") != "md5":
        problems.append("has no valid md5 of a folder (32 hexadecimal digits and .dir)")
    raise_all(path, problems)
    return Pointer(path, folder, md5)


def cache_folder(root: Path) -> Path:
    """Return the folder in which DVC keeps the project's files by their md5.

    Parameters
    ----------
    root : Path
        The project's folder.

    Returns
    -------
    Path
        A folder of .dvc/cache, or of the cache that the project's DVC config names.
    """
    config = ConfigParser(interpolation=None, strict=False)
    try:
        config.read([root / ".dvc" / "config", root / ".dvc" / "config.local"], encoding="utf-8")
        folder = config.get("cache", "dir", fallback="cache")
    except (ConfigError, UnicodeDecodeError):
        folder = "cache"  # DVC itself reports what is wrong with its config
    return root / ".dvc" / Path(folder).expanduser() / "files" / "md5"


def object_path(cache: Path, md5: str) -> Path:
    """Return the path of a file in the cache.

    Parameters
    ----------
    cache : Path
        The cache (`cache_folder`).
    md5 : str
        The file's md5, with the suffix .dir for a list of files.

    Returns
    -------
    Path
        The file, which may not exist.
    """
    return cache / md5[:2] / md5[2:]


def read_listing(pointer: Pointer, cache: Path) -> dict[str, str]:
    """Read the list of files that a pointer describes.

    Parameters
    ----------
    pointer : Pointer
        A pointer (`read_pointer`).
    cache : Path
        The cache (`cache_folder`), which contains the list.

    Returns
    -------
    dict of str to str
        md5 per path below the pointer's folder.

    Raises
    ------
    InputError
        If the list is not in the cache, does not match the pointer's md5, or names files outside the folder.
    """
    path = object_path(cache, pointer.version)
    try:
        if file_digest(path, "md5") != pointer.md5:
            path.unlink()
            raise InputError(
                f"{pointer.path}: the list of its files was damaged and has been removed from {cache}; "
                f"fetch it again (songwise pull {pointer.folder.name})"
            )
        listed = json.loads(path.read_text(encoding="utf-8"))
        md5_of = {entry["relpath"]: entry["md5"] for entry in listed}
    except OSError as error:
        raise InputError(f"{pointer.path}: the list of its files is not in {cache} ({error.strerror})") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{pointer.path}: the list of its files is not in DVC's format") from error
    bad = [name for name, md5 in md5_of.items() if not (_stays_below(name) and _is_md5(md5))]
    raise_all(pointer.path, [f"lists a file {name!r}, which is not a valid path in {pointer.folder}" for name in bad])
    return md5_of


def shared_version(name: str, root: Path) -> str | None:
    """Return the hash in data/raw/NAME.dvc if the data on this machine are what was shared.

    It compares only the records of the shards, which takes milliseconds. They contain the sha256 of every audio file,
    each job compares what it decodes with that hash, and `acquire_tracks` writes a record again when a file changes. So
    the music is the same if the records are.

    Parameters
    ----------
    name : str
        Name of the data set.
    root : Path
        The project's folder.

    Returns
    -------
    str or None
        The hash with the suffix .dir. None if there is no pointer, or if the data have changed since.
    """
    path = pointer_path("raw", name, root)
    if not path.is_file():
        return None
    try:
        pointer = read_pointer(path)
        listing = read_listing(pointer, cache_folder(root))
    except InputError:
        return None
    shared = {file: md5 for file, md5 in listing.items() if file.startswith("shards/")}
    present = {f"shards/{path.name}": file_digest(path, "md5") for path in (pointer.folder / "shards").glob("*.json")}
    return pointer.version if shared and shared == present else None


def _stays_below(name: object) -> bool:
    if not isinstance(name, str) or "\\" in name or "\0" in name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.as_posix() == name != "."


def _is_md5(value: object) -> bool:
    return isinstance(value, str) and _MD5.fullmatch(value) is not None
