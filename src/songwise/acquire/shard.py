"""Stage 1, acquire: every track of a shard becomes a local file, or a row with the reason why it is missing."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

from songwise.acquire.download import Fetched, UnavailableError, fetch_file, origins, suffix_of
from songwise.datasets.track import Track
from songwise.errors import is_disk_full
from songwise.files import Checksum, file_digest, read_json, replacing, safe_name, write_json
from songwise.runtime.progress import Progress

_AT_ONCE = 4
_OPTIONAL = ("title", "seconds", "url", "again_at")


def acquire_shard(
    tracks: list[Track],
    dataset: dict,
    *,
    folder: Path,
    mirror: str | None,
    cookies: str | None,
    access: str,
    attempt: int,
    record: Path,
) -> None:
    """Bring every track of one shard to this machine and record the result of each.

    A track that cannot be acquired is a row with a reason, never an error. Files that arrived in an earlier,
    interrupted run are kept if their checksum is right.

    Parameters
    ----------
    tracks : list of Track
        The tracks of the shard.
    dataset : dict
        Content of the data set file.
    folder : Path
        Folder of the downloaded audio, such as data/raw/NAME/audio.
    mirror : str, optional
        A folder or base URL that is tried before a track's own URL.
    cookies : str, optional
        A cookies.txt for videos.
    access : str
        What the downloads depend on besides the rows, for the record (`Record.access`).
    attempt : int
        Number of the attempt, for the record (`Record.attempt`).
    record : Path
        JSON to write: access, attempt, and under "tracks" {track_id: {status, reason, path, ...}}.
    """
    progress = Progress(f"acquire {dataset['name']} {record.stem}", len(tracks), "tracks")
    results = {track.track_id: Fetched("quarantined", f"known fault: {track.fault}") for track in tracks if track.fault}
    wanted = [track for track in tracks if not track.fault]
    for track, result in _fetch_all(wanted, dataset, folder, mirror, cookies):
        results[track.track_id] = result
        progress.step(f"last: {track.track_id}")
    for track in tracks:
        result = results[track.track_id]
        print(track.track_id, result.status, result.reason or result.path, sep="\t")
    rows = {track.track_id: _row(results[track.track_id]) for track in tracks}
    write_json(record, {"access": access, "attempt": attempt, "tracks": rows})


def _row(result: Fetched) -> dict:
    return {name: value for name, value in asdict(result).items() if value or name not in _OPTIONAL}


def _fetch_all(
    tracks: list[Track], dataset: dict, folder: Path, mirror: str | None, cookies: str | None
) -> Iterator[tuple[Track, Fetched]]:
    source = dataset["source"]
    if source["type"] == "youtube":
        from songwise.acquire.youtube import fetch_videos

        yield from fetch_videos(tracks, dataset, folder=folder, cookies=cookies, now=time.time)
    elif source["type"] == "synthetic":
        for track in tracks:
            yield track, _synthesise(track, source, folder)
    else:
        locate = {"archive": _extracted_file}.get(source["type"], _downloaded_or_own_file)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            waiting = {pool.submit(_try, locate, track, folder, mirror): track for track in tracks}
            for future in as_completed(waiting):
                yield waiting[future], future.result()


def _synthesise(track: Track, source: dict, folder: Path) -> Fetched:
    # Every start of Snakemake imports this module, and numpy would slow each start down.
    from songwise.datasets.demo.synth import write_track

    path = folder / f"{safe_name(track.track_id)}.wav"
    with replacing(path) as temporary:
        write_track(source["recipe"], track.track_id, temporary, seed=source["seed"])
    return Fetched("ok", path=path.as_posix(), sha256=file_digest(path))


def _try(locate: Callable, track: Track, folder: Path, mirror: str | None) -> Fetched:
    try:
        path = locate(track, folder, mirror)
        return Fetched("ok", path=path.as_posix(), sha256=_check_digest(path, track))
    except UnavailableError as error:
        return Fetched("failed", reason=str(error))
    except OSError as error:
        if is_disk_full(error):  # not the track's fault
            raise
        return Fetched("failed", reason=f"failed: {error.strerror or error}")


def _downloaded_or_own_file(track: Track, folder: Path, mirror: str | None) -> Path:
    if not track.url:
        path = Path(track.path)
        if not path.is_file():
            raise UnavailableError(f"failed: there is no file {path}")
        return path
    path = folder / (safe_name(track.track_id) + suffix_of(track.path or urlsplit(track.url).path))
    checksum = Checksum("sha256", track.sha256) if track.sha256 else None
    fetch_file(origins(track.url, track.path, mirror), path, checksum=checksum)
    return path


def _extracted_file(track: Track, folder: Path, mirror: str | None) -> Path:
    path = folder / track.path
    if not path.is_file():
        if track.path in read_json(folder.parent / "archives.json")["lacking"]:
            raise UnavailableError(f"failed: {track.path} is not in the archives")
        raise UnavailableError(f"failed: {path} was removed; restore it with --forcerun fetch_archives")
    return path


def _check_digest(path: Path, track: Track) -> str:
    sha256 = file_digest(path)
    if track.sha256 and sha256 != track.sha256:
        raise UnavailableError(f"wrong sha256: {path} has {sha256[:12]}..., the track sheet has {track.sha256[:12]}...")
    return sha256
