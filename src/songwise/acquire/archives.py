"""A data set's published archives: fetched, checked, and the tracks that its sheet names taken out of them.

What an archive gave is recorded beside it, so that an archive is never fetched again for tracks that are here.
"""

import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from songwise.acquire.download import UnavailableError, fetch_file, origins
from songwise.acquire.unpack import check_room, unpack
from songwise.datasets.track import Track
from songwise.errors import InputError, disk_full, is_disk_full
from songwise.files import checksum_of, digest, file_digest, read_json, safe_name, write_json
from songwise.runtime.progress import ByteProgress

_LARGEST = 1 << 40  # bytes; of an archive whose size is not stated
_SHOWN = 3


def members_wanted(tracks: list[Track]) -> list[str]:
    """The paths in the archives of all tracks that are not known to be faulty."""
    return sorted({PurePosixPath(track.path).as_posix() for track in tracks if not track.fault})


def wanted_digest(dataset: Mapping, tracks: list[Track]) -> str:
    """Changes exactly when an archive, or what is to be taken out of them, does."""
    return digest([dataset["source"]["archives"], members_wanted(tracks)])


def fetch_archives(dataset: Mapping, tracks: list[Track], *, folder: Path, mirror: str | None, state: Path) -> None:
    """Bring the archives of a data set to this machine, and the wanted members of each to `folder`/audio.

    An archive that was downloaded is removed once its tracks are out; a mirror's own is used where it lies. What
    arrived in an earlier, interrupted run is neither fetched nor written again. A member that no archive holds is no
    error here.

    Parameters
    ----------
    dataset : the data set file's content.
    tracks : all of its tracks; where two archives have the same path, the first one's counts.
    folder : data/raw/NAME.
    mirror : a folder or base URL tried first, or None.
    state : JSON to write: the archives, how many tracks each gave, and the paths that none holds.

    Raises
    ------
    InputError : an archive cannot be had or used (`unpack`), none holds any of the tracks, or the disk is full.
    """
    name, audio = dataset["name"], folder / "audio"
    wanted = set(members_wanted(tracks))
    here: set[str] = set()
    given, useless, others = [], [], []
    for entry in dataset["source"]["archives"]:
        record = folder / "archives" / f"{checksum_of(entry).digits[:12]}.json"
        known = _known(record, wanted - here, audio)
        if known is None:
            archive = _fetched(entry, record.parent, mirror, name)
            print(f"{name}: taking tracks out of {archive}")
            told = ByteProgress(f"{name}: unpacking {_file_name(entry)}").reach
            got = unpack(archive, wanted - here, audio, told=told)
            lacking = sorted(wanted - here - got.members.keys())
            known = {"bytes": archive.stat().st_size, "members": got.members, "lacking": lacking}
            others += got.others
            if got.members:
                _finish(record, known, entry)
            else:
                useless.append((record, known, entry))
        else:
            _remove(entry, record.parent)  # a run may have been killed between the record and this
        here |= wanted & known["members"].keys()
        checksum = dict([checksum_of(entry)])
        given.append({"url": entry["url"], **checksum, "bytes": known["bytes"], "tracks": len(known["members"])})
    if not here:
        raise InputError(
            f"{name}: the archives hold none of the {len(wanted)} paths of the track sheet, such as "
            f"{min(wanted)!a}; there are {', '.join(map(ascii, others)) or 'no files in them'}"
        )
    for known in useless:
        _finish(*known)
    lacking = sorted(wanted - here)
    if lacking:
        more = " ..." if len(lacking) > _SHOWN else ""
        told = f"{name}: the archives lack {len(lacking)} of {len(wanted)} tracks: {', '.join(lacking[:_SHOWN])}{more}"
        print(told, file=sys.stderr)
    write_json(state, {"archives": given, "lacking": lacking})


def _known(record: Path, wanted: set[str], audio: Path) -> dict | None:
    """What an archive gave, if nothing that is wanted calls for it again."""
    if not wanted:
        return {"bytes": None, "members": {}}
    if not record.is_file():
        return None
    known = read_json(record)
    members, lacking = known["members"], set(known["lacking"])
    for path in wanted - lacking:
        file = audio / path
        if path not in members or not file.is_file() or file.stat().st_size != members[path]:
            return None
    return known


def _fetched(entry: Mapping, store: Path, mirror: str | None, name: str) -> Path:
    """An archive with the right checksum: one that was downloaded, the mirror's own, or now downloaded."""
    checksum, path = checksum_of(entry), _own(entry, store)
    places = origins(entry["url"], "", mirror)
    refused = ""
    for place in (Path(place) for place in places if not place.startswith(("http://", "https://"))):
        if path.is_file() or not place.is_file():
            continue
        print(f"{name}: checking {place}", file=sys.stderr)
        if file_digest(place, checksum.algorithm) == checksum.digits:
            return place
        refused = f"; mirror: wrong {checksum.algorithm}: {place} has other bytes than are listed"
    store.mkdir(parents=True, exist_ok=True)
    progress = ByteProgress(f"{name}: downloading {_file_name(entry)}")
    checked = False

    def told(done: int, total: int | None) -> None:
        nonlocal checked
        total = total or entry.get("bytes")
        if total is not None and not checked:
            check_room(store, total - done, f"the rest of {_file_name(entry)}")
        checked = True
        progress.reach(done, total)

    urls = [place for place in places if place.startswith(("http://", "https://"))]
    try:
        fetch_file(urls, path, checksum=checksum, largest=entry.get("bytes", _LARGEST), told=told)
    except UnavailableError as error:
        raise InputError(
            f"{name}: {_file_name(entry)} cannot be had, {error}{refused}. A copy of yours will do: "
            "put it into a folder, and name that: --config mirror=FOLDER"
        ) from error
    except OSError as error:
        if is_disk_full(error):
            raise InputError(f"{_file_name(entry)} does not fit: {disk_full(store)}") from error
        raise
    return path


def _finish(record: Path, known: dict, entry: Mapping) -> None:
    write_json(record, known)
    _remove(entry, record.parent)


def _remove(entry: Mapping, store: Path) -> None:
    own = _own(entry, store)
    for path in (own, own.with_name(f".{own.name}.part")):  # a part is left where a mirror came in between
        path.unlink(missing_ok=True)


def _own(entry: Mapping, store: Path) -> Path:
    return store / f"{checksum_of(entry).digits[:12]}-{safe_name(_file_name(entry))}"


def _file_name(entry: Mapping) -> str:
    return Path(urlsplit(entry["url"]).path).name
