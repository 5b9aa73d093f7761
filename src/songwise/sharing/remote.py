"""Data sets to and from a team's remote: DVC moves the bytes, and files are checked before they reach data/.

DVC accepts whatever a remote gives, and overwrites files of which it has a copy. So a pull downloads into DVC's cache,
compares each file with the pointer, and only then has DVC put the files in their places.
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
from songwise.paths import CLIPS, RAW, clips_folder, features_folder, raw_folder
from songwise.runtime.lock import claim
from songwise.schemas.config import Config
from songwise.schemas.read import read_yaml, validate
from songwise.sharing.dvc import ADD_REMOTE, dvc
from songwise.sharing.handover import check_whole, settle, write_credits, write_record

_ROOT = Path()  # Snakemake and DVC are run in the current folder
_STAGES = ("raw", "clips", "features")
_ARRIVED = Path(".snakemake/songwise.came")  # new files without a record of Snakemake yet, in case a pull is killed


def push(name_or_path: str, *, features: bool, remote: str | None, say: Callable[[str], None]) -> None:
    """Upload a data set's files to the remote, and write the pointers with which others download them.

    Parameters
    ----------
    name_or_path : str
        Name of the data set, or path of its file.
    features : bool
        Whether to include its tables of clips and features.
    remote : str, optional
        Name of one of DVC's remotes. By default DVC's default remote.
    say : callable
        Receives one line on the upload and one on what to commit.

    Raises
    ------
    InputError
        If another run is active, the data set is incomplete or in another folder, or the remote rejects it.
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
    say(f"to share them, commit the pointers: git add {commit} && git commit -m 'Share {name}' && git push")


def pull(name_or_path: str | None, *, features: bool, remote: str | None, say: Callable[[str], None]) -> None:
    """Download what others shared, check it, and have Snakemake record that it is here.

    Parameters
    ----------
    name_or_path : str, optional
        Name of the data set, or path of its file. By default all data sets with a pointer in data/raw.
    features : bool
        Whether to include tables of clips and features. Without a name, only those data sets that share them.
    remote : str, optional
        Name of one of DVC's remotes. By default DVC's default remote.
    say : callable
        Receives one line per data set, and one per reason to make something again.

    Raises
    ------
    InputError
        If another run is active, a file here or on the remote differs from the pointer, or the remote fails.
    """
    requested = [name_or_path] if name_or_path else _shared_names()
    pointers = {asked: _pointers(_name(asked), features, every=name_or_path is not None) for asked in requested}
    with closing(claim(_ROOT)):
        arrived = _bring([pointer for own in pointers.values() for pointer in own], remote)
    for asked, own_pointers in pointers.items():
        name = own_pointers[0].folder.name
        if asked == name and not Path(f"config/datasets/{name}.yaml").is_file():
            say(
                f"{name} is here, but config/datasets/{name}.yaml is missing. Pull again with the path of its data set "
                "file: songwise pull PATH.yaml"
            )
            continue
        dataset, shards = _load(asked)
        folders = (raw_folder(name), clips_folder(name), features_folder(name))
        own = {path for path in arrived if any(path.is_relative_to(folder) for folder in folders)}
        settle(asked, dataset, shards, features=len(own_pointers) > 1, arrived=own, say=say)
        arrived -= own
        write_json(_ARRIVED, sorted(map(str, arrived)))


def _add(folders: list[Path]) -> None:
    """Have DVC add folders to its cache, and restore the timestamps of their files, on which Snakemake relies.

    DVC replaces hard links, such as those of `songwise init --copy`, by copies.
    """
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
        raise InputError(f"{error}; name your own data set by the path of its file, such as my/music.yaml") from error
    if dataset["source"]["type"] == "table":
        raise InputError(f"{path}: a table of features has no audio to share. Commit the table itself")
    if lacking := missing(dataset, _ROOT):
        raise InputError(
            f"{path}: the tracks of the data set are not known yet. Run songwise prepare {name_or_path}, "
            f"which downloads {'; '.join(lacking)}"
        )
    return dataset, deal(read_tracks(dataset, path, _ROOT), dataset["shards"])


def _to(remote: str | None) -> list[str]:
    return [f"--remote={remote}"] if remote else []


def _shared_names() -> list[str]:
    names = sorted(path.stem for path in RAW.glob("*.dvc"))
    if not names:
        raise InputError(
            f"{RAW}: no pointer (NAME.dvc) here, so nothing is shared yet. songwise push NAME shares a data set"
        )
    return names


def _name(name_or_path: str) -> str:
    if name_or_path.endswith((".yaml", ".yml")):
        return load_dataset(name_or_path, _ROOT)[0]["name"]
    if not NAME.fullmatch(name_or_path):
        raise InputError(f"'{name_or_path}' is neither a data set's name nor the path of its file (.yaml)")
    return name_or_path


def _pointers(name: str, features: bool, every: bool) -> list[Pointer]:
    paths = [pointer_path(stage, name) for stage in (_STAGES if features else _STAGES[:1])]
    lacking = [path for path in paths if not path.is_file()]
    if lacking and (every or paths[0] in lacking):
        known = ", ".join(sorted(path.stem for path in lacking[0].parent.glob("*.dvc"))) or "nothing"
        raise InputError(
            f"{lacking[0]}: missing. Nobody has shared this data set, or it is not in this clone yet (git pull). "
            f"Shared in {lacking[0].parent}: {known}"
        )
    # Features are usable only with all three.
    return [read_pointer(path) for path in (paths[:1] if lacking else paths)]


def _bring(pointers: list[Pointer], remote: str | None) -> set[Path]:
    """Download what is not here yet; return the files of this and earlier pulls that Snakemake has no record of."""
    cache = cache_folder(_ROOT)
    unknown = [pointer for pointer in pointers if not object_path(cache, pointer.version).is_file()]
    _fetch(unknown, remote, cache)
    listings = {pointer: read_listing(pointer, cache) for pointer in pointers}
    wanted = {pointer: _wanted(pointer, listing, cache) for pointer, listing in listings.items()}
    lacking = [pointer for pointer in pointers if pointer not in unknown and _faults(wanted[pointer], cache)]
    _fetch(lacking, remote, cache)
    for pointer, files in wanted.items():
        wrong = f"does not match {pointer.path} and was rejected"
        absent = f"is missing although {pointer.path} lists it"
        advice = "pull again, or have its owner push it again"
        problems = [
            f"{name}: the file on the remote {wrong if is_wrong else absent}; {advice}"
            for name, is_wrong in _faults(files, cache).items()
        ]
        raise_all(pointer.folder, problems)
    changed = [p for p, files in wanted.items() if files or not listings[p].keys() >= set(_files(p.folder))]
    arrived = {Path(path) for path in (read_json(_ARRIVED) if _ARRIVED.is_file() else [])}
    arrived |= {pointer.folder / name for pointer, files in wanted.items() for name in files}
    if changed:
        write_json(_ARRIVED, sorted(map(str, arrived)))
        dvc("checkout", *(str(pointer.path) for pointer in changed))
    return {path for path in arrived if path.is_file()}


def _fetch(pointers: list[Pointer], remote: str | None, cache: Path) -> None:
    if not pointers:
        return
    output = dvc("fetch", *_to(remote), *(str(pointer.path) for pointer in pointers))
    if "No remote provided" in output:  # not an error for DVC
        raise InputError(ADD_REMOTE)
    for pointer in pointers:
        if not object_path(cache, pointer.version).is_file():
            raise InputError(
                f"{pointer.path}: the remote does not have its files, or does not answer (check with dvc remote list)"
            )


def _wanted(pointer: Pointer, listing: Mapping[str, str], cache: Path) -> dict[str, str]:
    """Return the files of a listing that are not here yet.

    Raises
    ------
    InputError
        If files that are neither shared nor in the cache would be lost.
    """
    wanted, problems = dict(listing), []
    for name in _files(pointer.folder):
        md5 = file_digest(pointer.folder / name, "md5")
        if listing.get(name) == md5:
            del wanted[name]
        elif not object_path(cache, md5).is_file():
            differs = f"differs from the file in {pointer.path} and would be overwritten"
            unknown = f"is not in {pointer.path} and would be removed"
            problems.append(f"{name}: {differs if name in listing else unknown}; move it to another folder, or push it")
    raise_all(pointer.folder, problems)
    return wanted


def _files(folder: Path) -> Iterator[str]:
    """Yield the files below a folder that DVC sees; .dvcignore has the same rules."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        is_ignored = any(part.startswith(".") for part in parts) or path.suffix == ".part"
        is_ignored |= folder.parent == RAW and parts[0] == "archives"
        is_ignored |= folder.parent == CLIPS and len(parts) > 1
        if not is_ignored and path.is_file():
            yield "/".join(parts)


def _faults(files: Mapping[str, str], cache: Path) -> dict[str, bool]:
    """Return the files that the cache lacks: True if it had a file with other bytes, which is removed now."""
    faults = {}
    for name, md5 in files.items():
        path = object_path(cache, md5)
        if not path.is_file():
            faults[name] = False
        elif file_digest(path, "md5") != md5:
            path.unlink()
            faults[name] = True
    return faults
