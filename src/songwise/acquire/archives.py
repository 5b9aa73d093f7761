"""Published archives of a data set: downloaded, checked, and the tracks of the sheet extracted from them.

What an archive gave is recorded beside it, so that an archive is never downloaded again for tracks that are here.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from songwise.acquire.download import UnavailableError, fetch_file, mismatch, origins
from songwise.acquire.unpack import check_room, unpack
from songwise.datasets.track import Track
from songwise.errors import InputError, disk_full, is_disk_full
from songwise.files import checksum_of, digest, file_digest, read_json, safe_name, write_json
from songwise.runtime.progress import ByteProgress
from songwise.text import format_names

_LARGEST = 1 << 40  # bytes; of an archive whose size is not stated


def members_wanted(tracks: list[Track]) -> list[str]:
    """Return the paths in the archives of all tracks without a known fault, sorted."""
    return sorted({PurePosixPath(track.path).as_posix() for track in tracks if not track.fault})


def wanted_digest(dataset: Mapping, tracks: list[Track]) -> str:
    """Return a hash that changes exactly when an archive, or the list of tracks to extract from it, changes."""
    return digest([dataset["source"]["archives"], members_wanted(tracks)])


def fetch_archives(
    dataset: Mapping, tracks: list[Track], *, folder: Path, mirror: str | None, state: Path, code: str = ""
) -> None:
    """Download the archives of a data set, and extract the wanted members of each to `folder`/audio.

    A downloaded archive is removed after its tracks are extracted; an archive on a mirror is used in place. Files
    that arrived in an earlier, interrupted run are neither downloaded nor written again. A member that is in none of
    the archives is not an error here.

    Parameters
    ----------
    dataset : mapping
        Content of the data set file.
    tracks : list of Track
        All of its tracks. If two archives have the same path, the first one counts.
    folder : Path
        data/raw/NAME.
    mirror : str, optional
        A folder or base URL that is tried first.
    state : Path
        JSON to write: the archives, how many tracks each gave, the paths that are in none of them, and `code`.
    code : str, default=""
        Hash of the code that unpacks, for the record.

    Raises
    ------
    InputError
        If an archive cannot be downloaded or used (`unpack`), none contains any of the tracks, or the disk is full.
    """
    name, audio = dataset["name"], folder / "audio"
    wanted = set(members_wanted(tracks))
    arrived: set[str] = set()
    given, useless, others = [], [], []
    for entry in dataset["source"]["archives"]:
        record = _Record(folder / "archives" / f"{checksum_of(entry).digits[:12]}.json", entry)
        content = record.read(wanted - arrived, audio)
        if content is None:
            content, unwanted = _extract(record, wanted - arrived, audio, mirror, name)
            others += unwanted
            if content["members"]:
                record.write(content)
            else:
                useless.append((record, content))
        else:
            record.remove_archive()  # a run may have been killed between the record and this
        arrived |= wanted & content["members"].keys()
        checksum = dict([checksum_of(entry)])
        given.append({"url": entry["url"], **checksum, "bytes": content["bytes"], "tracks": len(content["members"])})
    if not arrived:
        raise InputError(
            f"{name}: none of the {len(wanted)} paths of the track sheet is in the archives, for example "
            f"{min(wanted)!a}. The archives contain {', '.join(map(ascii, others)) or 'no files'}"
        )
    for record, content in useless:
        record.write(content)
    lacking = sorted(wanted - arrived)
    if lacking:
        count = f"{len(lacking)} of {len(wanted)} tracks"
        print(f"{name}: {count} are not in the archives: {format_names(lacking)}", file=sys.stderr)
    write_json(state, {"archives": given, "lacking": lacking, "code": code})


@dataclass(frozen=True)
class _Record:
    """The file beside an archive that records which tracks it gave.

    Attributes
    ----------
    path : Path
        The record.
    entry : mapping
        The archive in the data set file.
    """

    path: Path
    entry: Mapping

    def read(self, wanted: set[str], audio: Path) -> dict | None:
        """Return the record, or None if the archive is needed again for some of the wanted members."""
        if not wanted:
            return {"bytes": None, "members": {}}
        if not self.path.is_file():
            return None
        content = read_json(self.path)
        members, lacking = content["members"], set(content["lacking"])
        for path in wanted - lacking:
            file = audio / path
            if path not in members or not file.is_file() or file.stat().st_size != members[path]:
                return None
        return content

    def write(self, content: dict) -> None:
        """Write the record, after which the archive is not needed any more."""
        write_json(self.path, content)
        self.remove_archive()

    def remove_archive(self) -> None:
        """Remove the downloaded archive; a mirror's own stays."""
        own = _own(self.entry, self.path.parent)
        for path in (own, own.with_name(f".{own.name}.part")):  # a part remains if a mirror had the archive later
            path.unlink(missing_ok=True)


def _extract(record: _Record, wanted: set[str], audio: Path, mirror: str | None, name: str) -> tuple[dict, list[str]]:
    """Extract the wanted members of an archive; return the content of its record, and some of its other members."""
    archive = _locate(record.entry, record.path.parent, mirror, name)
    print(f"{name}: extracting tracks from {archive}")
    progress = ByteProgress(f"{name}: unpacking {_file_name(record.entry)}")
    unpacked = unpack(archive, wanted, audio, report=progress.reach)
    lacking = sorted(wanted - unpacked.members.keys())
    return {"bytes": archive.stat().st_size, "members": unpacked.members, "lacking": lacking}, unpacked.others


def _locate(entry: Mapping, store: Path, mirror: str | None, name: str) -> Path:
    """Return an archive with the right checksum: downloaded earlier, on the mirror, or downloaded now."""
    places = origins(entry["url"], "", mirror)
    urls = [place for place in places if place.startswith(("http://", "https://", "s3://"))]
    refusal = ""
    if not _own(entry, store).is_file():
        for place in (Path(place) for place in places if place not in urls):
            if not place.is_file():
                continue
            print(f"{name}: checking {place}", file=sys.stderr)
            checksum = checksum_of(entry)
            if file_digest(place, checksum.algorithm) == checksum.digits:
                return place
            refusal = f"; mirror: {mismatch(checksum, place)}"
    return _download(entry, urls, store, name, refusal)


def _download(entry: Mapping, urls: list[str], store: Path, name: str, refusal: str) -> Path:
    path = _own(entry, store)
    store.mkdir(parents=True, exist_ok=True)
    progress = ByteProgress(f"{name}: downloading {_file_name(entry)}")
    is_checked = False

    def report(done: int, total: int | None) -> None:
        nonlocal is_checked
        total = total or entry.get("bytes")
        if total is not None and not is_checked:
            check_room(store, total - done, f"the rest of {_file_name(entry)}")
        is_checked = True
        progress.reach(done, total)

    try:
        fetch_file(urls, path, checksum=checksum_of(entry), largest=entry.get("bytes", _LARGEST), report=report)
    except UnavailableError as error:
        raise InputError(
            f"{name}: cannot download {_file_name(entry)}: {error}{refusal}. If you have a copy of the file, put it "
            "into a folder and run again with --config mirror=FOLDER"
        ) from error
    except OSError as error:
        if is_disk_full(error):
            raise InputError(f"cannot write {_file_name(entry)}: {disk_full(store)}") from error
        raise
    return path


def _own(entry: Mapping, store: Path) -> Path:
    return store / f"{checksum_of(entry).digits[:12]}-{safe_name(_file_name(entry))}"


def _file_name(entry: Mapping) -> str:
    return Path(urlsplit(entry["url"]).path).name
