"""Tracks that are videos: each found by its URL or by a search, checked for the right length, and kept as FLAC.

A note (JSON) beside each file records what it is and how it was found, so that it is never requested again. Both are
written when a track is complete. The next run resumes a download that was killed.
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
from songwise.acquire.ytdlp import RateLimitedError, RefusedError, Site, Video, short_text
from songwise.audio import sandbox
from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.files import digest, file_digest, read_json, replacing, safe_name, write_json

_DEADLINE = 1800.0  # seconds for all requests for one track
_ENCODING = sandbox.Limits(seconds=60)
_RATE, _CHANNELS = 44_100, 2  # the same for all files, so that they cannot reveal the class
_TOLERANCE = (10.0, 0.1)  # seconds, or fraction of the stated length: the larger one is the largest difference
_MOST_HITS = 10  # per search
_SUFFIX = ".flac"
_TAKEN = "failed: the video belongs to another track"


class _DeadlineError(BaseException):
    """Time is up. It is not an Exception, so that no code in between catches it."""


def check_videos(tracks: list[Track], dataset: Mapping, folder: Path, cookies: str | None) -> None:
    """Check, before any job starts, that this machine can download the videos that are not here yet.

    Parameters
    ----------
    tracks : list of Track
        The track sheet.
    dataset : mapping
        Content of the data set file.
    folder : Path
        Folder of the audio, such as data/raw/NAME/audio.
    cookies : str, optional
        A cookies.txt.

    Raises
    ------
    InputError
        If the cookies file is missing, or YouTube needs a JavaScript runtime and there is none.
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
    """Download each track as a FLAC file of 44.1 kHz, 16 bits and two channels, or give the reason why not.

    Parameters
    ----------
    tracks : list of Track
        Each has a url, a query or both.
    dataset : mapping
        Content of the data set file.
    folder : Path
        Folder of the files, such as data/raw/NAME/audio. Its parent contains what all jobs of the data set share:
        archive.txt, in yt-dlp's format, and the pace of requests.
    cookies : str, optional
        A cookies.txt.
    now : callable
        Returns the time in seconds since 1970.

    Yields
    ------
    tuple of Track and Fetched
        A track and its result.

    Raises
    ------
    InputError
        If YouTube needs a JavaScript runtime and there is none, or the cookies cannot be read.
    OSError
        If the disk is full.
    """
    fetcher = _Fetcher(tracks, dataset, folder, cookies, now)
    # URLs first: a search must not take a video that another row names.
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
        if note := self._kept_note(track):
            return self._result(track, note)
        try:
            with self._pace.turn():
                return self._request_track(track)
        except StoppedError as stop:
            return self._stopped(str(stop), stop.until)
        except UnavailableError as error:
            return Fetched("failed", reason=str(error))

    def _request_track(self, track: Track) -> Fetched:
        self._until = time.monotonic() + _DEADLINE
        try:
            return self._result(track, self._find(track))
        except RateLimitedError as limit:
            until = self._now() + limit.seconds
            self._pace.stop(str(limit), until)
            result = self._stopped(str(limit), until)
            print(f"songwise: {self._dataset['name']}: {result.reason}; no more requests until then", file=sys.stderr)
            return result

    def _stopped(self, why: str, until: float) -> Fetched:
        return Fetched("failed", reason=f"rate_limited: {why}; try again after {_clock(until)}", again_at=until)

    def _result(self, track: Track, note: Mapping) -> Fetched:
        facts = {name: note[name] for name in ("sha256", "title", "seconds", "url")}
        return Fetched("ok", path=_audio_path(track, self._folder).as_posix(), **facts)

    def _kept_note(self, track: Track) -> dict | None:
        """Return the note of a track that is already here and still matches its row."""
        path, note = _audio_path(track, self._folder), _read_note(_note_path(track, self._folder))
        if not (note and path.is_file()):
            return None
        # A video that was found by its URL stays the right one if only the query changes.
        relevant = [name for name in ("url", "query") if name == "url" or note["found_by"] == "query"]
        if any(note["asked"][name] != getattr(track, name) for name in relevant):
            return None
        try:
            self._check_length(track, note["seconds"])
        except RefusedError:
            return None
        sha256 = file_digest(path)
        return note if sha256 == note["sha256"] and track.sha256 in ("", sha256) else None

    def _find(self, track: Track) -> dict:
        if not track.url:
            return self._search(track, "")
        try:
            return self._complete(track, track.url, found_by="url")
        except RefusedError as error:
            if not track.query:
                raise
            instead = error
        try:
            return self._search(track, str(instead))
        except UnavailableError as error:
            raise RefusedError(f"{instead}; with its query: {error}") from error

    def _search(self, track: Track, instead: str) -> dict:
        search = self._source["search"]
        is_url = search.startswith(("http://", "https://"))
        address = search.replace("{query}", quote(track.query, safe="") if is_url else track.query)
        with self._request():
            hits = self._site.search(address)[:_MOST_HITS]
        taken = self._taken_urls(track)
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
            raise RefusedError(f"failed: the search for '{track.query}' has no results")
        if len(reasons) == 1:
            raise RefusedError(reasons[0])
        words = {reason.partition(":")[0] for reason in reasons}
        word = words.pop() if len(words) == 1 else "failed"
        raise RefusedError(f"{word}: none of the {len(reasons)} search results fits; the first one: {reasons[0]}")

    def _taken_urls(self, track: Track) -> set[str]:
        """Return the videos of the other tracks."""
        taken = {url for url, name in self._named.items() if name != track.track_id}
        own = _note_path(track, self._folder)
        for path in self._folder.glob("*.json"):
            if path != own and path.with_suffix(_SUFFIX).is_file() and (note := _read_note(path)):
                taken.add(note["url"])
        return taken

    def _complete(
        self, track: Track, url: str, *, found_by: str, instead: str = "", taken: Collection[str] = ()
    ) -> dict:
        """Make one video the track's file, with a note of what it is and how it was found."""
        with self._request():
            video, raw = self._download(track, url, taken)
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
        self._list_in_archive(video.key)
        _remove_parts(raw)
        return note

    def _download(self, track: Track, url: str, taken: Collection[str]) -> tuple[Video, Path]:
        """Download the audio of a video that is not taken and has the right length, as the site has it."""
        video = self._site.describe(url)
        if video.url in taken:
            raise RefusedError(_TAKEN)
        self._check_length(track, video.seconds)
        # A download is resumed only if it is of the same bytes, so they are part of the name.
        stated = [video.url, *(video.info.get(name) for name in ("format_id", "filesize"))]
        raw = self._folder / f".{safe_name(track.track_id)}.{digest(stated)}"
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._site.download(video, raw)
        except RefusedError:
            _remove_parts(raw)
            raise
        return video, raw

    def _normalise(self, track: Track, video: Video, raw: Path) -> tuple[float, str]:
        """Convert a download to the track's FLAC file, and return its seconds and sha256."""
        from songwise.audio.decode import UndecodableError, decode

        try:
            decoded = decode(raw, max_seconds=self._dataset["max_seconds"])
        except UndecodableError as error:
            raise RefusedError(f"failed: undecodable, {error}") from error
        total = max(decoded.declared or 0.0, video.seconds or 0.0)
        self._check_length(track, decoded.seconds)
        if decoded.seconds < total - max(_TOLERANCE[0], _TOLERANCE[1] * total):
            raise RefusedError(f"failed: incomplete, only {decoded.seconds:.0f} of {total:.0f} s")
        with replacing(_audio_path(track, self._folder)) as temporary:
            _encode(decoded.segment, temporary)
            sha256 = file_digest(temporary)
            if track.sha256 and sha256 != track.sha256:
                raise RefusedError(
                    f"failed: wrong sha256, {sha256[:12]}..., the track sheet has {track.sha256[:12]}..."
                )
        return decoded.seconds, sha256

    def _check_length(self, track: Track, seconds: float | None) -> None:
        if seconds is None:
            return
        longest, shortest = self._dataset["max_seconds"], self._source["shortest"]
        if seconds > longest:
            raise RefusedError(f"too_long: longer than {longest:g} s (max_seconds in the data set file)")
        if track.seconds:
            stated = float(track.seconds)
            if abs(seconds - stated) > max(_TOLERANCE[0], _TOLERANCE[1] * stated):
                word = "too_long" if seconds > stated else "failed"
                raise RefusedError(f"{word}: {seconds:.0f} s long, the track sheet has {stated:.0f} s")
        elif seconds < shortest:
            raise RefusedError(
                f"failed: {seconds:.0f} s long, shorter than {shortest:g} s (shortest in the data set file)"
            )

    @contextmanager
    def _request(self) -> Iterator[None]:
        self._pace.wait()
        try:
            with _within(self._until - time.monotonic()):
                yield
        finally:
            self._pace.note()

    def _list_in_archive(self, key: str) -> None:
        with (self._folder.parent / "archive.txt").open("a+", encoding="utf-8") as archive:
            archive.seek(0)
            if key not in archive.read().splitlines():
                archive.write(f"{key}\n")


def _audio_path(track: Track, folder: Path) -> Path:
    return folder / f"{safe_name(track.track_id)}{_SUFFIX}"


def _note_path(track: Track, folder: Path) -> Path:
    return folder / f"{safe_name(track.track_id)}.json"


def _read_note(path: Path) -> dict | None:
    """Return the note beside a track's file, which may come from others, or None if songwise did not write it."""
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
    local = time.localtime(when)
    is_today = local[:3] == time.localtime()[:3]
    return time.strftime("%H:%M" if is_today else "%Y-%m-%d %H:%M", local)


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Limit the time of the code inside, whatever it waits for.

    A server that sends a byte now and then passes every timeout of yt-dlp. Works only in the main thread, where Python
    runs the handlers of signals.
    """

    def end(*_):
        raise _DeadlineError

    former = signal.signal(signal.SIGALRM, end)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), 5.0)  # repeated in case the first is missed
        yield
    except _DeadlineError:
        raise UnavailableError(f"failed: not finished after {_DEADLINE / 60:g} minutes") from None
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
        raise RefusedError(f"failed: encoding exceeded the limit of {ended.passed}")
    if ended.code:
        messages = ended.messages.decode("utf-8", "replace").strip()
        if os.strerror(errno.ENOSPC) in messages:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        raise RefusedError(f"failed: ffmpeg cannot encode it as FLAC ({short_text(messages)})")
