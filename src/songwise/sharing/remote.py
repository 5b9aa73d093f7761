"""Data sets to and from a team's remote: DVC moves the bytes, and what comes is checked before it reaches data/.

DVC takes whatever a remote gives for what was asked of it, and overwrites what it has a copy of. A pull therefore
fetches into DVC's cache, compares each file with the pointer, and only then has the files put in their places.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from songwise.datasets.dataset import load_dataset
from songwise.datasets.metadata import missing
from songwise.datasets.pointers import (
    NAME,
    Pointer,
    cache_folder,
    object_path,
    pointer_path,
    read_listing,
    read_pointer,
)
from songwise.datasets.shards import deal
from songwise.datasets.sheet import read_tracks
from songwise.datasets.track import Track
from songwise.errors import InputError, raise_all
from songwise.files import file_digest, read_json, write_json
from songwise.runtime.lock import claim
from songwise.schemas.config import Config
from songwise.schemas.read import read_yaml, validate
from songwise.sharing.dvc import ADD_REMOTE, dvc
from songwise.sharing.handover import check_whole, settle, write_credits, write_record

_ROOT = Path()  # Snakemake and DVC are run in the current folder
_STAGES = ("raw", "clips", "features")
_CAME = Path(".snakemake/songwise.came")  # files that Snakemake is still to be told of, should a pull be killed


def push(name_or_path: str, *, features: bool, remote: str | None, say: Callable[[str], None]) -> None:
    """Send a data set's files to the remote, and write the pointer by which others get them.

    Parameters
    ----------
    name_or_path : of the data set.
    features : its tables of clips and features too.
    remote : the name of one of DVC's remotes, or None for the default one.
    say : is given a line on what is to be committed.

    Raises
    ------
    InputError : a run is live, the data set is not whole, lies elsewhere, or the remote does not take it.
    """
    with closing(claim(_ROOT)):
        dataset, shards = _load(name_or_path)
        name = dataset["name"]
        check_whole(name_or_path, name, shards)
        write_credits(dataset, shards, say)
        if features:
            write_record(name_or_path, dataset, shards)
        paths = [pointer_path(stage, name) for stage in (_STAGES if features else _STAGES[:1])]
        _add([path.with_suffix("") for path in paths])
        pointers = [read_pointer(path) for path in paths]
    dvc("push", *_to(remote), *map(str, paths))
    n_files = sum(len(read_listing(pointer, cache_folder(_ROOT))) for pointer in pointers)
    say(f"{name}: {n_files} files are on the remote")
    written = [*paths, *(path.with_name(".gitignore") for path in paths)]
    commit = " ".join(str(path) for path in written if path.is_file())
    say(f"others get them by what you commit: git add {commit} && git commit -m 'Share {name}' && git push")


def pull(name_or_path: str | None, *, features: bool, remote: str | None, say: Callable[[str], None]) -> None:
    """Fetch what others shared, check it, and have Snakemake know that it is there.

    Parameters
    ----------
    name_or_path : of the data set; None: all that data/raw has pointers to.
    features : tables of clips and features too; without a name, where they are shared.
    remote : the name of one of DVC's remotes, or None for the default one.
    say : is given a line on each data set, and on what will be made anew.

    Raises
    ------
    InputError : a run is live, a file here or on the remote is not what the pointer says, or the remote fails.
    """
    asked = [name_or_path] if name_or_path else _shared_names()
    pointers = {words: _pointers(_name(words), features, every=name_or_path is not None) for words in asked}
    with closing(claim(_ROOT)):
        came = _bring([pointer for found in pointers.values() for pointer in found], remote)
    for words, found in pointers.items():
        name = found[0].folder.name
        if words == name and not Path(f"config/datasets/{name}.yaml").is_file():
            say(f"{name} is here, but config/datasets has no {name}.yaml; with its file: songwise pull PATH.yaml")
            continue
        dataset, shards = _load(words)
        own = {path for path in came if path.parts[2] == name}
        settle(words, dataset, shards, features=len(found) > 1, came=own, say=say)
        came -= own
        write_json(_CAME, sorted(map(str, came)))


def _add(folders: list[Path]) -> None:
    """Have DVC take folders into its cache, and give their files back the times by which Snakemake goes: DVC replaces
    hard links, as `songwise init --copy` makes, by copies."""
    times = {path: path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*") if path.is_file()}
    dvc("add", *map(str, folders))
    for path, before in times.items():
        status = path.stat()
        if status.st_mtime_ns != before:
            os.utime(path, ns=(status.st_atime_ns, before))


def _load(name_or_path: str) -> tuple[dict, dict[int, list[Track]]]:
    settings = validate(read_yaml(Path("config/config.yaml")), Config, where="config/config.yaml").model_dump()
    try:
        dataset, path = load_dataset(name_or_path, _ROOT, settings["clip"])
    except InputError as error:
        if name_or_path.endswith((".yaml", ".yml")):
            raise
        raise InputError(f"{error}; a data set of your own goes by its file's path, such as my/music.yaml") from error
    if dataset["source"]["type"] == "table":
        raise InputError(f"{path}: a table of features has no audio to share; commit the table itself")
    if lacking := missing(dataset, _ROOT):
        raise InputError(f"{path}: which tracks there are is not known yet: {'; '.join(lacking)}")
    return dataset, deal(read_tracks(dataset, path, _ROOT), dataset["shards"])


def _to(remote: str | None) -> list[str]:
    return [f"--remote={remote}"] if remote else []


def _shared_names() -> list[str]:
    names = sorted(path.stem for path in Path("data/raw").glob("*.dvc"))
    if not names:
        raise InputError("data/raw: holds no pointer (NAME.dvc), so nothing is shared yet; songwise push NAME shares")
    return names


def _name(words: str) -> str:
    if words.endswith((".yaml", ".yml")):
        return load_dataset(words, _ROOT)[0]["name"]
    if not NAME.fullmatch(words):
        raise InputError(f"'{words}' is neither a data set's name nor the path of its file (.yaml)")
    return words


def _pointers(name: str, features: bool, every: bool) -> list[Pointer]:
    paths = [pointer_path(stage, name) for stage in (_STAGES if features else _STAGES[:1])]
    lacking = [path for path in paths if not path.is_file()]
    if lacking and (every or paths[0] in lacking):
        known = ", ".join(sorted(path.stem for path in lacking[0].parent.glob("*.dvc"))) or "nothing"
        raise InputError(
            f"{lacking[0]}: is not there; nobody has shared it, or it is not in this clone yet (git pull); "
            f"{lacking[0].parent} shares {known}"
        )
    # Without all three there is nothing to take features from.
    return [read_pointer(path) for path in (paths[:1] if lacking else paths)]


def _bring(pointers: list[Pointer], remote: str | None) -> set[Path]:
    """Bring what is not here yet; the files of this pull, and of earlier ones, that Snakemake has not been told of."""
    cache = cache_folder(_ROOT)
    unknown = [pointer for pointer in pointers if not object_path(cache, pointer.version).is_file()]
    _fetch(unknown, remote, cache)
    listings = {pointer: read_listing(pointer, cache) for pointer in pointers}
    wanted = {pointer: _wanted(pointer, listing, cache) for pointer, listing in listings.items()}
    lacking = [pointer for pointer in pointers if pointer not in unknown and _faults(wanted[pointer], cache)]
    _fetch(lacking, remote, cache)
    for pointer, files in wanted.items():
        problems = [
            f"{name}: the remote {'gave other bytes than' if wrong else 'does not have what'} {pointer.path} says; "
            "the file was not let in, and the next pull fetches it anew (who shared it may push it again)"
            for name, wrong in _faults(files, cache).items()
        ]
        raise_all(pointer.folder, problems)
    changed = [p for p, files in wanted.items() if files or not listings[p].keys() >= set(_files(p.folder))]
    came = {Path(path) for path in (read_json(_CAME) if _CAME.is_file() else [])}
    came |= {pointer.folder / name for pointer, files in wanted.items() for name in files}
    if changed:
        write_json(_CAME, sorted(map(str, came)))
        dvc("checkout", *(str(pointer.path) for pointer in changed))
    return {path for path in came if path.is_file()}


def _fetch(pointers: list[Pointer], remote: str | None, cache: Path) -> None:
    if not pointers:
        return
    said = dvc("fetch", *_to(remote), *(str(pointer.path) for pointer in pointers))
    if "No remote provided" in said:  # which DVC does not hold to be an error
        raise InputError(ADD_REMOTE)
    for pointer in pointers:
        if not object_path(cache, pointer.version).is_file():
            raise InputError(f"{pointer.path}: the remote does not have it, or does not answer (dvc remote list)")


def _wanted(pointer: Pointer, listing: Mapping[str, str], cache: Path) -> dict[str, str]:
    """The files of a listing that are not here yet.

    Raises
    ------
    InputError : having them would cost files that are neither shared nor in the cache.
    """
    wanted, problems = dict(listing), []
    for name in _files(pointer.folder):
        md5 = file_digest(pointer.folder / name, "md5")
        if listing.get(name) == md5:
            del wanted[name]
        elif not object_path(cache, md5).is_file():
            differs = f"differs from what {pointer.path} says, and would be overwritten"
            unknown = f"is not among what {pointer.path} says, and would be removed"
            problems.append(f"{name}: {differs if name in listing else unknown}; move it away, or push yours")
    raise_all(pointer.folder, problems)
    return wanted


def _files(folder: Path) -> Iterator[str]:
    """The files below a folder that DVC sees; .dvcignore says the same."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        unseen = any(part.startswith(".") for part in parts) or path.suffix == ".part"
        unseen |= folder.parent.name == "raw" and parts[0] == "archives"
        unseen |= folder.parent.name == "clips" and len(parts) > 1
        if not unseen and path.is_file():
            yield "/".join(parts)


def _faults(files: Mapping[str, str], cache: Path) -> dict[str, bool]:
    """The files that the cache does not have: True where it had other bytes for one, which are gone now."""
    found = {}
    for name, md5 in files.items():
        path = object_path(cache, md5)
        if not path.is_file():
            found[name] = False
        elif file_digest(path, "md5") != md5:
            path.unlink()
            found[name] = True
    return found
