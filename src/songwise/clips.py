"""Stage 2, clips: quarantine what is no music, and cut every good track of a shard into clips.

Two steps that decode alike: the tables, on which all else rests, must not change when the audio of clips, which
is temporary, is wanted once more.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from songwise.audio import AudioSegment, Decoded, UndecodableError, VideoError, decode
from songwise.containers import FACTS, container_facts
from songwise.errors import InputError
from songwise.files import read_json, read_rows, replacing, safe_name, write_rows
from songwise.fingerprints import fingerprint, write_fingerprints
from songwise.jobs import Progress
from songwise.sheet import Track

TRACK_COLUMNS = (
    *("track_id", "label", "song", "artist", "status", "reason"),
    *("seconds", "sha256", "audio_sha256"),
    *FACTS,
    *("title", "url"),  # as the site has them that a search found the track on
)
CLIP_COLUMNS = ("clip_id", "track_id", "start", "seconds", "status", "reason")

_SILENT_DBFS = -60.0  # peak; the dither of a 16-bit file is near -96
_TRUNCATED = 0.9  # of the length that the container declares
_AGAIN = "run again with --forcerun acquire_tracks"


class _RejectedError(Exception):
    """A track that is no usable audio: its status and reason."""

    def __init__(self, status: str, reason: str, seconds: float | None = None):
        super().__init__(reason)
        self.status, self.reason, self.seconds = status, reason, seconds


def clip_starts(seconds: float, clip: dict) -> list[tuple[float, float]]:
    """Start and length, in seconds, of the clips of a track.

    Parameters
    ----------
    seconds : length of the track.
    clip : the data set's clip keys: seconds, hop, start, stop, min_seconds.
    """
    end = seconds if clip["stop"] is None else min(seconds, clip["stop"])
    found = []
    index = 0
    # The tolerance lets a file that is some samples short of a whole number of clips keep its last one.
    while (start := clip["start"] + index * clip["hop"]) + clip["min_seconds"] <= end + 1e-3:
        found.append((start, min(clip["seconds"], end - start)))
        index += 1
    return found


def clip_path(folder: Path, clip_id: str) -> Path:
    """Where the audio of a clip lies below its shard's folder."""
    return folder / f"{safe_name(clip_id)}.wav"


def inspect_shard(
    tracks: list[Track],
    dataset: dict,
    *,
    state: Path,
    tracks_csv: Path,
    clips_csv: Path,
    fingerprints: Path,
    title: str,
) -> None:
    """Decode the tracks that `acquire` got and say of each, and of each of its clips, what it is.

    Parameters
    ----------
    tracks : the shard's.
    dataset : the data set file's content.
    state : what `acquire_shard` wrote.
    tracks_csv, clips_csv : to write, with TRACK_COLUMNS and CLIP_COLUMNS.
    fingerprints : Parquet to write, of the good tracks.
    title : for the progress display.
    """
    record = read_json(state)["tracks"]
    progress = Progress(f"inspect {title}", len(tracks), "tracks")
    track_rows, clip_rows, found = [], [], {}
    for track in tracks:
        fetched = record[track.track_id]
        row = {name: getattr(track, name, "") for name in TRACK_COLUMNS}
        row |= {"status": fetched["status"], "reason": fetched["reason"], "sha256": fetched["sha256"]}
        row |= {name: fetched.get(name, "") for name in ("title", "url")}
        row["seconds"] = ""
        if fetched["status"] == "ok":
            rows, outcome, items = _inspect(track, Path(fetched["path"]), dataset)
            clip_rows += rows
            row |= outcome
            if items is not None:
                found[track.track_id] = items
        track_rows.append(row)
        print(track.track_id, row["status"], row["reason"], sep="\t")
        progress.step()
    write_rows(tracks_csv, TRACK_COLUMNS, track_rows)
    write_rows(clips_csv, CLIP_COLUMNS, clip_rows)
    write_fingerprints(fingerprints, found)


def _inspect(track: Track, path: Path, dataset: dict) -> tuple[list[dict], dict, np.ndarray | None]:
    try:
        decoded = _load(path, dataset["max_seconds"])
        segment, seconds = decoded.segment, decoded.seconds
        rows = [row for row, _ in _clips(track, segment, seconds, dataset["clip"])]
        if not rows:
            shortest = f"{dataset['clip']['min_seconds']:g}"
            raise _RejectedError("quarantined", f"too short: no clip of {shortest} s fits", seconds)
        if all(row["status"] != "ok" for row in rows):
            raise _RejectedError("quarantined", "silent: every clip of it", seconds)
        items = _fingerprint(segment, seconds)
    except _RejectedError as error:
        length = "" if error.seconds is None else round(error.seconds, 3)
        return [], {"status": error.status, "reason": error.reason, "seconds": length}, None
    except FileNotFoundError as error:
        raise InputError(f"{path}: was there when it was acquired, and now is not; {_AGAIN}") from error
    heard = {"seconds": round(seconds, 3), "audio_sha256": _samples_sha256(segment)}
    return rows, heard | container_facts(path, decoded), items


class GoodClips:
    """The good clips of a shard, decoded track by track: pairs of clip_id and audio at the track's own rate.

    Parameters
    ----------
    tracks : the shard's.
    dataset : the data set file's content.
    state : what `acquire_shard` wrote.
    tracks_csv, clips_csv : what `inspect_shard` wrote; what is given are exactly the good rows of clips_csv.

    Raises
    ------
    InputError : while clips are taken, if a track is no longer what it was when it was inspected.
    """

    def __init__(self, tracks: list[Track], dataset: dict, *, state: Path, tracks_csv: Path, clips_csv: Path):
        self._tracks, self._dataset, self._clips_csv = tracks, dataset, clips_csv
        self._record = read_json(state)["tracks"]
        self._heard = {row["track_id"]: row["audio_sha256"] for row in read_rows(tracks_csv)}
        self._wanted = defaultdict(set)
        for row in read_rows(clips_csv):
            if row["status"] == "ok":
                self._wanted[row["track_id"]].add(row["clip_id"])

    def __len__(self) -> int:
        return sum(map(len, self._wanted.values()))

    def __iter__(self) -> Iterator[tuple[str, AudioSegment]]:
        for track in self._tracks:
            wanted = self._wanted.get(track.track_id)
            if not wanted:
                continue
            path = Path(self._record[track.track_id]["path"])
            decoded = _load_again(path, self._dataset["max_seconds"], self._heard[track.track_id])
            pairs = _clips(track, decoded.segment, decoded.seconds, self._dataset["clip"])
            found = [pair for pair in pairs if pair[0]["status"] == "ok"]
            if {row["clip_id"] for row, _ in found} != wanted:
                raise InputError(f"{self._clips_csv}: lists other clips of {track.track_id} than are cut now; {_AGAIN}")
            for row, piece in found:
                yield row["clip_id"], piece


def cut_shard(clips: GoodClips, folder: Path, title: str) -> None:
    """Write clips as WAV into a folder: 16 bits, at the track's own rate and channels."""
    progress = Progress(f"clips {title}", len(clips), "clips")
    with replacing(folder) as building:
        building.mkdir()
        for clip_id, piece in clips:
            piece.export(clip_path(building, clip_id), format="wav").close()
            progress.step()


def _load_again(path: Path, max_seconds: float, audio_sha256: str) -> Decoded:
    try:
        decoded = _load(path, max_seconds)
    except (_RejectedError, OSError) as error:
        raise InputError(f"{path}: could be decoded before, and now cannot ({error}); {_AGAIN}") from error
    if _samples_sha256(decoded.segment) != audio_sha256:
        raise InputError(f"{path}: holds other audio than when it was inspected; {_AGAIN}")
    return decoded


def _load(path: Path, max_seconds: float) -> Decoded:
    if path.stat().st_size == 0 and path.is_file():
        raise _RejectedError("quarantined", "empty: the file has no bytes")
    try:
        decoded = decode(path, max_seconds=max_seconds)
    except VideoError as error:
        raise _RejectedError("quarantined", f"a video: {error}") from error
    except UndecodableError as error:
        raise _RejectedError("quarantined", f"undecodable: {error}") from error
    seconds = decoded.seconds
    if seconds > max_seconds:
        reason = f"too_long: more than {max_seconds:g} s (max_seconds in the data set's file)"
        raise _RejectedError("failed", reason, decoded.declared)
    if decoded.declared and seconds < _TRUNCATED * decoded.declared:
        reason = f"undecodable: truncated, {seconds:.1f} s decode where the file declares {decoded.declared:.1f} s"
        raise _RejectedError("quarantined", reason, seconds)
    if decoded.segment.max_dBFS < _SILENT_DBFS:
        raise _RejectedError("quarantined", f"silent: no sample above {_SILENT_DBFS:g} dBFS", seconds)
    return decoded


def _clips(track: Track, segment: AudioSegment, seconds: float, clip: dict) -> Iterator[tuple[dict, AudioSegment]]:
    own = {name: float(getattr(track, name)) for name in ("start", "stop") if getattr(track, name)}
    for start, length in clip_starts(seconds, clip | own):
        start_ms = round(1000 * start)
        piece = segment[start_ms : start_ms + round(1000 * length)]
        silent = piece.max_dBFS < _SILENT_DBFS
        row = {
            "clip_id": f"{track.track_id}@{start_ms}",
            "track_id": track.track_id,
            "start": f"{start:g}",
            "seconds": f"{length:.3f}",
            "status": "quarantined" if silent else "ok",
            "reason": "silent" if silent else "",
        }
        yield row, piece


def _fingerprint(segment: AudioSegment, seconds: float) -> np.ndarray:
    try:
        return fingerprint(segment)
    except UndecodableError as error:
        raise _RejectedError("quarantined", f"undecodable: {error}", seconds) from error


def _samples_sha256(segment: AudioSegment) -> str:
    # Of the decoded samples, so that the same music in a wav and a flac file has the same hash.
    found = hashlib.sha256(f"{segment.frame_rate} {segment.channels} ".encode())
    found.update(segment.raw_data)
    return found.hexdigest()
