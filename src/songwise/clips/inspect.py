"""Stage 2, inspect: what each track and each of its clips is, before anything is cut or extracted."""

from pathlib import Path

import numpy as np

from songwise.audio.decode import AudioSegment, UndecodableError
from songwise.audio.encoding import container_facts
from songwise.audio.fingerprint import fingerprint
from songwise.clips.columns import CLIP_COLUMNS, TRACK_COLUMNS
from songwise.clips.cut import RUN_AGAIN, cut_track
from songwise.clips.fingerprints import write_fingerprints
from songwise.clips.load import RejectedError, load_track, samples_sha256
from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.files import read_json, write_rows
from songwise.runtime.progress import Progress


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
        decoded = load_track(path, dataset["max_seconds"])
        segment, seconds = decoded.segment, decoded.seconds
        rows = [row for row, _ in cut_track(track, segment, seconds, dataset["clip"])]
        if not rows:
            shortest = f"{dataset['clip']['min_seconds']:g}"
            raise RejectedError("quarantined", f"too short: no clip of {shortest} s fits", seconds)
        if all(row["status"] != "ok" for row in rows):
            raise RejectedError("quarantined", "silent: every clip of it", seconds)
        items = _fingerprint(segment, seconds)
    except RejectedError as error:
        length = "" if error.seconds is None else round(error.seconds, 3)
        return [], {"status": error.status, "reason": error.reason, "seconds": length}, None
    except FileNotFoundError as error:
        raise InputError(f"{path}: was there when it was acquired, and now is not; {RUN_AGAIN}") from error
    heard = {"seconds": round(seconds, 3), "audio_sha256": samples_sha256(segment)}
    return rows, heard | container_facts(path, decoded), items


def _fingerprint(segment: AudioSegment, seconds: float) -> np.ndarray:
    try:
        return fingerprint(segment)
    except UndecodableError as error:
        raise RejectedError("quarantined", f"undecodable: {error}", seconds) from error
