"""Stage 2, clips: cut every good track of a shard into clips, and quarantine what is no music."""

import hashlib
from pathlib import Path

from songwise.audio import AudioSegment, UndecodableError, decode
from songwise.files import read_json, replacing, safe_name, write_rows
from songwise.jobs import Progress
from songwise.sheet import Track

TRACK_COLUMNS = (
    *("track_id", "label", "song", "artist", "status", "reason"),
    *("seconds", "sha256", "audio_sha256"),
)
CLIP_COLUMNS = ("clip_id", "track_id", "start", "seconds", "status", "reason")

_SILENT_DBFS = -60.0  # peak; the dither of a 16-bit file is near -96
_TRUNCATED = 0.9  # of the length that the container declares


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


def cut_shard(
    tracks: list[Track],
    dataset: dict,
    *,
    state: Path,
    folder: Path,
    tracks_csv: Path,
    clips_csv: Path,
    title: str,
) -> None:
    """Decode the tracks that `acquire` got, write their clips as WAV, and say of each what it is.

    Parameters
    ----------
    tracks : the shard's.
    dataset : the data set file's content.
    state : what `acquire_shard` wrote.
    folder : for the clips: 16-bit WAV at the track's own rate and channels.
    tracks_csv, clips_csv : to write, with TRACK_COLUMNS and CLIP_COLUMNS.
    title : for the progress display.
    """
    record = read_json(state)["tracks"]
    progress = Progress(f"clips {title}", len(tracks), "tracks")
    track_rows, clip_rows = [], []
    with replacing(folder) as building:
        building.mkdir()
        for track in tracks:
            fetched = record[track.track_id]
            row = {name: getattr(track, name, "") for name in TRACK_COLUMNS}
            row |= {"status": fetched["status"], "reason": fetched["reason"], "sha256": fetched["sha256"]}
            row["seconds"] = ""
            if fetched["status"] == "ok":
                rows, outcome = _cut(track, Path(fetched["path"]), dataset, building)
                clip_rows += rows
                row |= outcome
            track_rows.append(row)
            print(track.track_id, row["status"], row["reason"], sep="\t")
            progress.step()
    write_rows(tracks_csv, TRACK_COLUMNS, track_rows)
    write_rows(clips_csv, CLIP_COLUMNS, clip_rows)


def _cut(track: Track, path: Path, dataset: dict, folder: Path) -> tuple[list[dict], dict]:
    try:
        segment, seconds = _load(path, dataset["max_seconds"])
        rows = _write_clips(track, segment, seconds, dataset["clip"], folder)
    except _RejectedError as error:
        length = "" if error.seconds is None else round(error.seconds, 3)
        return [], {"status": error.status, "reason": error.reason, "seconds": length}
    return rows, {"seconds": round(seconds, 3), "audio_sha256": _samples_sha256(segment)}


def _load(path: Path, max_seconds: float) -> tuple[AudioSegment, float]:
    if path.stat().st_size == 0:
        raise _RejectedError("quarantined", "empty: the file has no bytes")
    try:
        decoded = decode(path, max_seconds=max_seconds)
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
    return decoded.segment, seconds


def _write_clips(track: Track, segment: AudioSegment, seconds: float, clip: dict, folder: Path) -> list[dict]:
    own = {name: float(getattr(track, name)) for name in ("start", "stop") if getattr(track, name)}
    starts = clip_starts(seconds, clip | own)
    if not starts:
        raise _RejectedError("quarantined", f"too short: no clip of {clip['min_seconds']:g} s fits", seconds)
    rows = []
    for start, length in starts:
        start_ms = round(1000 * start)
        piece = segment[start_ms : start_ms + round(1000 * length)]
        clip_id = f"{track.track_id}@{start_ms}"
        silent = piece.max_dBFS < _SILENT_DBFS
        if not silent:
            piece.export(clip_path(folder, clip_id), format="wav").close()
        row = {
            "clip_id": clip_id,
            "track_id": track.track_id,
            "start": f"{start:g}",
            "seconds": f"{length:.3f}",
        }
        status, reason = ("quarantined", "silent") if silent else ("ok", "")
        rows.append(row | {"status": status, "reason": reason})
    if all(row["status"] != "ok" for row in rows):
        raise _RejectedError("quarantined", "silent: every clip of it", seconds)
    return rows


def _samples_sha256(segment: AudioSegment) -> str:
    # Of the decoded samples, so that the same music in a wav and a flac file has the same hash.
    found = hashlib.sha256(f"{segment.frame_rate} {segment.channels} ".encode())
    found.update(segment.raw_data)
    return found.hexdigest()
