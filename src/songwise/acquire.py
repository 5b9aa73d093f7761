"""Stage 1, acquire: every track of a shard as a local file, or a row that says why not."""

import errno
import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from songwise import synthetic
from songwise.errors import InputError
from songwise.files import file_sha256, read_json, replacing, safe_name, write_json
from songwise.jobs import Progress
from songwise.sheet import Track

_ATTEMPTS = 4
_FIRST_PAUSE = 1.0  # seconds, doubled at each further attempt
_TIMEOUT = (10, 30)  # seconds to connect, and without a byte
_CHUNK = 1 << 16  # bytes; what a cut connection loses at most
_LARGEST = 2 << 30  # bytes; no song is larger, an endless stream is
_AT_ONCE = 4
_NO_HOST = "the host's name is not known (is this machine offline? see mirror in config/README.md)"
_FATAL = {errno.ENOSPC, errno.EDQUOT}  # a full disk is not the track's fault
_RETRIED = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Fetched:
    """What became of a track: status ok or failed, a reason that begins with a known word, and the file."""

    status: str
    reason: str = ""
    path: str = ""
    sha256: str = ""


class _FailedError(Exception):
    """A track that cannot be had; the text is its reason."""


def acquire_shard(
    tracks: list[Track], dataset: dict, *, folder: Path, mirror: str | None, state: Path, title: str
) -> None:
    """Bring every track of one shard to this machine and write what became of each.

    A track that cannot be had is a row with a reason, never an error. Files that arrived in an earlier,
    interrupted run are kept after a look at their checksum.

    Parameters
    ----------
    tracks : the shard's.
    dataset : the data set file's content.
    folder : where downloads are kept, such as data/raw/NAME/audio.
    mirror : a folder or base URL tried before a track's own URL.
    state : JSON to write: {"mirror": ..., "tracks": {track_id: {status, reason, path, sha256}}}.
    title : for the progress display.
    """
    progress = Progress(f"acquire {title}", len(tracks), "tracks")
    fetched: dict[str, Fetched] = {}
    if dataset["source"]["type"] == "synthetic":
        for track in tracks:
            fetched[track.track_id] = _make(track, dataset["source"], folder)
            progress.step()
    else:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            waiting = {pool.submit(_fetch, track, folder, mirror): track for track in tracks}
            for future in as_completed(waiting):
                track = waiting[future]
                fetched[track.track_id] = future.result()
                progress.step(f"last: {track.track_id}")
    for track in tracks:
        result = fetched[track.track_id]
        print(track.track_id, result.status, result.reason or result.path, sep="\t")
    rows = {track.track_id: vars(fetched[track.track_id]) for track in tracks}
    write_json(state, {"mirror": mirror, "tracks": rows})


def mirror_of_record(state: Path, mirror: str | None) -> str | None:
    """The mirror that a shard's download depends on.

    Another mirror is a reason to try again only where something failed: what has arrived is checked by
    sha256, wherever it came from.
    """
    if not state.is_file():
        return mirror
    record = read_json(state)
    if any(track["status"] != "ok" for track in record["tracks"].values()):
        return mirror
    return record["mirror"]


def check_mirror(mirror: str | None) -> None:
    """Raise InputError if `mirror` is neither a folder nor an http(s) URL."""
    if mirror is None or mirror.startswith(("http://", "https://")):
        return
    if not Path(mirror).is_dir():
        raise InputError(f"config: mirror: there is no folder '{mirror}' (a folder or an http(s) URL is expected)")


def _make(track: Track, source: dict, folder: Path) -> Fetched:
    path = folder / f"{safe_name(track.track_id)}.wav"
    with replacing(path) as temporary:
        synthetic.write_track(source["recipe"], track.track_id, temporary, seed=source["seed"])
    return Fetched("ok", path=path.as_posix(), sha256=file_sha256(path))


def _fetch(track: Track, folder: Path, mirror: str | None) -> Fetched:
    try:
        path = _download(track, folder, mirror) if track.url else _own_file(track)
        return Fetched("ok", path=path.as_posix(), sha256=_checked(path, track))
    except _FailedError as error:
        return Fetched("failed", reason=str(error))
    except OSError as error:
        if error.errno in _FATAL:
            raise
        return Fetched("failed", reason=f"failed: {error.strerror or error}")


def _own_file(track: Track) -> Path:
    path = Path(track.path)
    if not path.is_file():
        raise _FailedError(f"failed: there is no file {path}")
    return path


def _checked(path: Path, track: Track) -> str:
    found = file_sha256(path)
    if track.sha256 and found != track.sha256:
        raise _FailedError(f"wrong sha256: {found[:12]}... of {path} where the sheet says {track.sha256[:12]}...")
    return found


def _download(track: Track, folder: Path, mirror: str | None) -> Path:
    suffix = Path(track.path or urlsplit(track.url).path).suffix.lower()
    path = folder / (safe_name(track.track_id) + (suffix if re.fullmatch(r"\.\w{1,5}", suffix) else ""))
    if path.is_file() and (not track.sha256 or file_sha256(path) == track.sha256):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    reasons = []
    for origin in _origins(track, mirror):
        try:
            _from(origin, track, path)
            return path
        except _FailedError as error:
            reasons.append(str(error))
    raise _FailedError(reasons[-1] if len(set(reasons)) == 1 or not mirror else "; mirror: ".join(reversed(reasons)))


def _origins(track: Track, mirror: str | None) -> list[str]:
    own = [track.url]
    if mirror is None:
        return own
    name = track.path or Path(urlsplit(track.url).path).name
    if mirror.startswith(("http://", "https://")):
        return [f"{mirror.rstrip('/')}/{quote(name)}", *own]
    return [str(Path(mirror) / name), *own]


def _from(origin: str, track: Track, path: Path) -> None:
    # The name is stable, so that the next run goes on where a killed one stopped.
    partial = path.with_name(f".{path.name}.part")
    continued = partial.is_file()
    if origin.startswith(("http://", "https://")):
        _get(origin, partial)
    elif Path(origin).is_file():
        shutil.copyfile(origin, partial)
    else:
        raise _FailedError(f"failed: there is no file {origin}")
    try:
        _checked(partial, track)
    except _FailedError as error:
        partial.unlink()
        if continued:  # the earlier part may have been of other bytes
            _from(origin, track, path)
            return
        raise _FailedError(f"wrong sha256: {origin} gave bytes other than the sheet lists") from error
    partial.replace(path)


def _get(url: str, partial: Path) -> None:
    import requests

    host = urlsplit(url).netloc
    pause = _FIRST_PAUSE
    for attempt in range(_ATTEMPTS):
        try:
            _get_once(url, partial)
            return
        except requests.HTTPError as error:
            status = error.response.status_code
            reason = f"{'gone' if status in (404, 410) else 'failed'}: {host} answers {status}"
            if status not in _RETRIED:
                raise _FailedError(reason) from error
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise _FailedError(f"failed: {url} is not a usable URL") from error
        except requests.RequestException as error:
            reason = f"failed: {host}: {_cause(error)}"
            if _NO_HOST in reason:
                raise _FailedError(reason) from error
        if attempt + 1 < _ATTEMPTS:
            time.sleep(pause)
            pause *= 2
    raise _FailedError(f"{reason}, {_ATTEMPTS} times")


def _get_once(url: str, partial: Path) -> None:
    import requests

    have = partial.stat().st_size if partial.is_file() else 0
    headers = {"User-Agent": "songwise", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        if response.status_code == 416:  # what is there is no part of this file
            partial.unlink()
            raise requests.ConnectionError("the server has no such part")
        response.raise_for_status()
        resumed = response.status_code == 206
        expected = response.headers.get("Content-Length")
        size = have if resumed else 0
        with partial.open("ab" if resumed else "wb") as stream:
            for chunk in response.iter_content(_CHUNK):
                size += len(chunk)
                if size > _LARGEST:
                    raise _FailedError(f"failed: {url} is larger than {_LARGEST >> 30} GiB")
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
    if expected is not None and size != int(expected) + (have if resumed else 0):
        raise requests.ConnectionError("the connection was cut")


def _cause(error: Exception) -> str:
    text = str(error)
    if "timed out" in text:
        return "no answer in time"
    if "resolve" in text:
        return _NO_HOST
    if "refused" in text:
        return "the connection was refused"
    return text.split("(Caused by")[0].strip() or type(error).__name__
