"""Stage 1, acquire: every track of a shard as a local file, or a row that says why not."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

from songwise.acquire.download import Fetched, UnavailableError, fetch_file, origins, suffix_of
from songwise.acquire.record import access_key
from songwise.datasets.track import Track
from songwise.errors import is_disk_full
from songwise.files import Checksum, file_digest, read_json, replacing, safe_name, write_json
from songwise.runtime.progress import Progress

_AT_ONCE = 4
_OPTIONAL = ("title", "seconds", "url", "again_at")


def acquire_shard(
    tracks: list[Track], dataset: dict, *, folder: Path, access: Mapping, attempt: int, state: Path, title: str
) -> None:
    """Bring every track of one shard to this machine and write what became of each.

    A track that cannot be had is a row with a reason, never an error. Files that arrived in an earlier,
    interrupted run are kept after a look at their checksum.

    Parameters
    ----------
    tracks : the shard's.
    dataset : the data set file's content.
    folder : where downloads are kept, such as data/raw/NAME/audio.
    access : mirror (a folder or base URL tried before a track's own URL, or None) and cookies (a file, or None).
    attempt : how often the shard was tried, for the record (`attempt_of_record`).
    state : JSON to write: attempt, access (`access_key`), and under "tracks" {track_id: {status, reason, path, ...}}.
    title : for the progress display.
    """
    progress = Progress(f"acquire {title}", len(tracks), "tracks")
    found = {track.track_id: Fetched("quarantined", f"known fault: {track.fault}") for track in tracks if track.fault}
    wanted = [track for track in tracks if not track.fault]
    for track, result in _fetched(wanted, dataset, folder, access):
        found[track.track_id] = result
        progress.step(f"last: {track.track_id}")
    for track in tracks:
        result = found[track.track_id]
        print(track.track_id, result.status, result.reason or result.path, sep="\t")
    rows = {track.track_id: _row(found[track.track_id]) for track in tracks}
    write_json(state, {"access": access_key(access), "attempt": attempt, "tracks": rows})


def _row(result: Fetched) -> dict:
    return {name: value for name, value in asdict(result).items() if value or name not in _OPTIONAL}


def _fetched(tracks: list[Track], dataset: dict, folder: Path, access: Mapping) -> Iterator[tuple[Track, Fetched]]:
    source = dataset["source"]
    if source["type"] == "youtube":
        from songwise.acquire.youtube import fetch_videos

        yield from fetch_videos(tracks, dataset, folder=folder, cookies=access["cookies"], now=time.time)
    elif source["type"] == "synthetic":
        for track in tracks:
            yield track, _make(track, source, folder)
    else:
        fetch = {"archive": _extracted}.get(source["type"], _downloaded_or_own)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            waiting = {pool.submit(_tried, fetch, track, folder, access["mirror"]): track for track in tracks}
            for future in as_completed(waiting):
                yield waiting[future], future.result()


def _make(track: Track, source: dict, folder: Path) -> Fetched:
    # Every start of Snakemake imports this module, and numpy would slow each start down.
    from songwise.datasets.demo.synth import write_track

    path = folder / f"{safe_name(track.track_id)}.wav"
    with replacing(path) as temporary:
        write_track(source["recipe"], track.track_id, temporary, seed=source["seed"])
    return Fetched("ok", path=path.as_posix(), sha256=file_digest(path))


def _tried(fetch: Callable, track: Track, folder: Path, mirror: str | None) -> Fetched:
    try:
        path = fetch(track, folder, mirror)
        return Fetched("ok", path=path.as_posix(), sha256=_checked(path, track))
    except UnavailableError as error:
        return Fetched("failed", reason=str(error))
    except OSError as error:
        if is_disk_full(error):  # which is not the track's fault
            raise
        return Fetched("failed", reason=f"failed: {error.strerror or error}")


def _downloaded_or_own(track: Track, folder: Path, mirror: str | None) -> Path:
    if not track.url:
        path = Path(track.path)
        if not path.is_file():
            raise UnavailableError(f"failed: there is no file {path}")
        return path
    path = folder / (safe_name(track.track_id) + suffix_of(track.path or urlsplit(track.url).path))
    checksum = Checksum("sha256", track.sha256) if track.sha256 else None
    fetch_file(origins(track.url, track.path, mirror), path, checksum=checksum)
    return path


def _extracted(track: Track, folder: Path, mirror: str | None) -> Path:
    path = folder / track.path
    if not path.is_file():
        if track.path in read_json(folder.parent / "archives.json")["lacking"]:
            raise UnavailableError(f"failed: the archives hold no {track.path}")
        raise UnavailableError(f"failed: there is no {path} any more; --forcerun fetch_archives brings it back")
    return path


def _checked(path: Path, track: Track) -> str:
    found = file_digest(path)
    if track.sha256 and found != track.sha256:
        raise UnavailableError(f"wrong sha256: {found[:12]}... of {path} where the sheet says {track.sha256[:12]}...")
    return found
