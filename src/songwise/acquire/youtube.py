"""Tracks that are videos: each found by its URL or by a search, heard to have the right length, and kept as FLAC.

Beside each file lies a JSON of what it is and how it was found, so that what has arrived is never asked for again. Both
are written when a track is complete; what a killed process left of a download is gone on with.
"""

import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from songwise.acquire.download import Fetched, UnavailableError
from songwise.acquire.javascript import check_runtime, is_youtube
from songwise.acquire.rate_limit import Pace, StoppedError
from songwise.acquire.ytdlp import RateLimitedError, RefusedError, Site, Video, plain
from songwise.audio import sandbox
from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.files import digest, file_digest, read_json, replacing, safe_name, write_json

_DEADLINE = 1800.0  # seconds for all that is asked for one track
_ENCODING = sandbox.Limits(seconds=60)
_RATE, _CHANNELS = 44_100, 2  # of all files alike, so that no class is told by them
_OFF = (10.0, 0.1)  # seconds, or this part of the length: as far as a length may be from the one that is stated
_MOST_HITS = 10  # of a search
_SUFFIX = ".flac"
_TAKEN = "failed: it is another track's video"


class _DeadlineError(BaseException):
    """Time is up; no Exception, so that nothing on the way takes it for one of its own."""


def check_videos(tracks: list[Track], dataset: Mapping, folder: Path, cookies: str | None) -> None:
    """Look, before any job, whether this machine can get the videos that are not here yet.

    Parameters
    ----------
    folder : where they are kept, such as data/raw/NAME/audio.

    Raises
    ------
    InputError : the cookies file is missing, or YouTube is to be asked without a JavaScript runtime.
    """
    lacking = [track for track in tracks if not track.fault and not _note_path(track, folder).is_file()]
    if lacking and cookies is not None and not Path(cookies).is_file():
        raise InputError(f"config: cookies: there is no file {cookies}")
    search = dataset["source"]["search"]
    if any(is_youtube(track.url) or (track.query and is_youtube(search)) for track in lacking):
        check_runtime()


def fetch_videos(
    tracks: list[Track], dataset: Mapping, *, folder: Path, cookies: str | None, now: Callable[[], float]
) -> Iterator[tuple[Track, Fetched]]:
    """Each track with what became of it: a FLAC file of 44.1 kHz, 16 bits and two channels, or a reason.

    Parameters
    ----------
    tracks : with a url, a query or both.
    dataset : the data set file's content.
    folder : where the files are kept, such as data/raw/NAME/audio; beside it lie what all jobs of the data set share:
        archive.txt, in yt-dlp's format, and the pace of requests.
    cookies : a cookies.txt, or None.
    now : seconds since 1970.

    Raises
    ------
    InputError : YouTube is asked without a JavaScript runtime, or the cookies cannot be read.
    OSError : the disk is full.
    """
    fetcher = _Fetcher(tracks, dataset, folder, cookies, now)
    # Urls first, since a search must not take a video that another row names.
    for track in sorted(tracks, key=lambda track: not track.url):
        yield track, fetcher.fetch(track)


class _Fetcher:
    def __init__(self, tracks: list[Track], dataset: Mapping, folder: Path, cookies: str | None, now: Callable):
        self._dataset, self._source, self._folder = dataset, dataset["source"], folder
        self._cookies, self._now = cookies, now
        self._named = {track.url: track.track_id for track in tracks if track.url}
        self._pace = Pace(folder.parent, pause=tuple(self._source["pause"]), asker=cookies or "", now=now)
        self._until = 0.0

    @cached_property
    def _site(self) -> Site:
        return Site(self._cookies, is_slow=max(self._source["pause"]) > 0)

    def fetch(self, track: Track) -> Fetched:
        if note := self._kept(track):
            return self._result(track, note)
        try:
            with self._pace.turn():
                return self._asked(track)
        except StoppedError as stop:
            return self._stopped(str(stop), stop.until)
        except UnavailableError as error:
            return Fetched("failed", reason=str(error))

    def _asked(self, track: Track) -> Fetched:
        self._until = time.monotonic() + _DEADLINE
        try:
            return self._result(track, self._found(track))
        except RateLimitedError as limit:
            until = self._now() + limit.seconds
            self._pace.stop(str(limit), until)
            result = self._stopped(str(limit), until)
            print(f"songwise: {self._dataset['name']}: {result.reason}; nothing is asked until then", file=sys.stderr)
            return result

    def _stopped(self, why: str, until: float) -> Fetched:
        return Fetched("failed", reason=f"rate_limited: {why}; come back after {_clock(until)}", again_at=until)

    def _result(self, track: Track, note: Mapping) -> Fetched:
        said = {name: note[name] for name in ("sha256", "title", "seconds", "url")}
        return Fetched("ok", path=_audio_path(track, self._folder).as_posix(), **said)

    def _kept(self, track: Track) -> dict | None:
        """The note of a track that is here already, and is what its row asks for."""
        path, note = _audio_path(track, self._folder), _read_note(_note_path(track, self._folder))
        if not (note and path.is_file()):
            return None
        # A video that its url gave stays the right one when only the query is another.
        same = [name for name in ("url", "query") if name == "url" or note["found_by"] == "query"]
        if any(note["asked"][name] != getattr(track, name) for name in same):
            return None
        try:
            self._check_length(track, note["seconds"])
        except RefusedError:
            return None
        found = file_digest(path)
        return note if found == note["sha256"] and track.sha256 in ("", found) else None

    def _found(self, track: Track) -> dict:
        if not track.url:
            return self._searched(track, "")
        try:
            return self._complete(track, track.url, found_by="url")
        except RefusedError as error:
            if not track.query:
                raise
            instead = error
        try:
            return self._searched(track, str(instead))
        except UnavailableError as error:
            raise RefusedError(f"{instead}; by its query: {error}") from error

    def _searched(self, track: Track, instead: str) -> dict:
        search = self._source["search"]
        is_url = search.startswith(("http://", "https://"))
        address = search.replace("{query}", quote(track.query, safe="") if is_url else track.query)
        with self._request():
            hits = self._site.search(address)[:_MOST_HITS]
        taken = self._taken(track)
        reasons = []
        for hit in hits:
            try:
                if hit.url in taken:
                    raise RefusedError(_TAKEN)
                self._check_length(track, hit.seconds)
                return self._complete(track, hit.url, found_by="query", instead=instead, taken=taken)
            except RefusedError as error:
                reasons.append(str(error))
        if not reasons:
            raise RefusedError(f"failed: the search finds nothing for '{track.query}'")
        if len(reasons) == 1:
            raise RefusedError(reasons[0])
        words = {reason.partition(":")[0] for reason in reasons}
        word = words.pop() if len(words) == 1 else "failed"
        raise RefusedError(f"{word}: none of {len(reasons)} hits will do; the first: {reasons[0]}")

    def _taken(self, track: Track) -> set[str]:
        """The videos that other tracks are."""
        taken = {url for url, name in self._named.items() if name != track.track_id}
        own = _note_path(track, self._folder)
        for path in self._folder.glob("*.json"):
            if path != own and path.with_suffix(_SUFFIX).is_file() and (note := _read_note(path)):
                taken.add(note["url"])
        return taken

    def _complete(
        self, track: Track, url: str, *, found_by: str, instead: str = "", taken: Collection[str] = ()
    ) -> dict:
        """One video as the track's file, with a note of what it is and how it was found."""
        with self._request():
            video = self._site.look(url)
            if video.url in taken:
                raise RefusedError(_TAKEN)
            self._check_length(track, video.seconds)
            # Of other bytes than before nothing may be added to what is there.
            stated = [video.url, *(video.info.get(name) for name in ("format_id", "filesize"))]
            raw = self._folder / f".{safe_name(track.track_id)}.{digest(stated)}"
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                self._site.download(video, raw)
            except RefusedError:
                _remove_parts(raw)
                raise
        try:
            seconds, sha256 = self._normalise(track, video, raw)
        except RefusedError:
            _remove_parts(raw)
            raise
        note = {
            "title": video.title,
            "uploader": video.uploader,
            "seconds": round(seconds, 3),
            "url": video.url,
            "id": video.key,
            "found_by": found_by,
            "instead_of": instead,
            "asked": {"url": track.url, "query": track.query},
            "sha256": sha256,
        }
        write_json(_note_path(track, self._folder), note)
        self._enter(video.key)
        _remove_parts(raw)
        return note

    def _normalise(self, track: Track, video: Video, raw: Path) -> tuple[float, str]:
        """What was downloaded as the track's FLAC file; its seconds and sha256."""
        from songwise.audio.decode import UndecodableError, decode

        try:
            decoded = decode(raw, max_seconds=self._dataset["max_seconds"])
        except UndecodableError as error:
            raise RefusedError(f"failed: undecodable, {error}") from error
        whole = max(decoded.declared or 0.0, video.seconds or 0.0)
        self._check_length(track, decoded.seconds)
        if decoded.seconds < whole - max(_OFF[0], _OFF[1] * whole):
            raise RefusedError(f"failed: only {decoded.seconds:.0f} of {whole:.0f} s are there")
        with replacing(_audio_path(track, self._folder)) as temporary:
            _encode(decoded.segment, temporary)
            sha256 = file_digest(temporary)
            if track.sha256 and sha256 != track.sha256:
                raise RefusedError(
                    f"failed: wrong sha256, {sha256[:12]}... where the sheet says {track.sha256[:12]}..."
                )
        return decoded.seconds, sha256

    def _check_length(self, track: Track, seconds: float | None) -> None:
        if seconds is None:
            return
        longest, shortest = self._dataset["max_seconds"], self._source["shortest"]
        if seconds > longest:
            raise RefusedError(f"too_long: lasts more than {longest:g} s (max_seconds in the data set's file)")
        if track.seconds:
            stated = float(track.seconds)
            if abs(seconds - stated) > max(_OFF[0], _OFF[1] * stated):
                word = "too_long" if seconds > stated else "failed"
                raise RefusedError(f"{word}: lasts {seconds:.0f} s where the sheet says {stated:.0f}")
        elif seconds < shortest:
            raise RefusedError(
                f"failed: lasts {seconds:.0f} s, less than {shortest:g} (shortest in the data set's file)"
            )

    @contextmanager
    def _request(self) -> Iterator[None]:
        self._pace.wait()
        try:
            with _within(self._until - time.monotonic()):
                yield
        finally:
            self._pace.note()

    def _enter(self, key: str) -> None:
        with (self._folder.parent / "archive.txt").open("a+", encoding="utf-8") as archive:
            archive.seek(0)
            if key not in archive.read().splitlines():
                archive.write(f"{key}\n")


def _audio_path(track: Track, folder: Path) -> Path:
    return folder / f"{safe_name(track.track_id)}{_SUFFIX}"


def _note_path(track: Track, folder: Path) -> Path:
    return folder / f"{safe_name(track.track_id)}.json"


def _read_note(path: Path) -> dict | None:
    """What stands beside a track's file, which may have come from others; None if it is nothing that songwise wrote."""
    try:
        note = read_json(path)
        texts = [note[name] for name in ("found_by", "sha256", "title", "url")]
        texts += [note["asked"][name] for name in ("url", "query")]
        return note if all(isinstance(text, str) for text in texts) and isinstance(note["seconds"], float) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remove_parts(raw: Path) -> None:
    for path in (raw, *raw.parent.glob(f"{raw.name}.*")):
        path.unlink(missing_ok=True)


def _clock(when: float) -> str:
    there = time.localtime(when)
    is_today = there[:3] == time.localtime()[:3]
    return time.strftime("%H:%M" if is_today else "%Y-%m-%d %H:%M", there)


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """A limit on what is done inside, whatever it waits for: a server that sends a byte now and then passes every
    timeout of yt-dlp's. Only in the main thread, where Python runs the handlers of signals."""

    def end(*_):
        raise _DeadlineError

    former = signal.signal(signal.SIGALRM, end)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), 5.0)  # again, should the first go unheard
        yield
    except _DeadlineError:
        raise UnavailableError(f"failed: not here after {_DEADLINE / 60:g} minutes") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def _encode(segment, path: Path) -> None:
    import imageio_ffmpeg

    if segment.channels == 1:
        segment = segment.set_channels(2)  # ffmpeg would make it 3 dB quieter
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-v", "error", "-y", "-threads", "1"]
    command += ["-f", "s16le", "-ar", str(segment.frame_rate), "-ac", str(segment.channels), "-i", "pipe:0"]
    command += ["-ar", str(_RATE), "-ac", str(_CHANNELS), "-sample_fmt", "s16", "-c:a", "flac"]
    command += ["-fflags", "+bitexact", "-flags:a", "+bitexact", f"file:{path}"]
    ended = sandbox.run(command, limits=_ENCODING, given=segment.raw_data)
    if ended.passed:
        raise RefusedError(f"failed: encoding takes more than the limit of {ended.passed}")
    if ended.code:
        said = ended.messages.decode("utf-8", "replace").strip()
        if os.strerror(errno.ENOSPC) in said:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        raise RefusedError(f"failed: ffmpeg makes no FLAC of it ({plain(said)})")
