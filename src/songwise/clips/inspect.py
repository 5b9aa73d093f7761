"""Stage 2, inspect: describe each track and its clips, before anything is cut or extracted."""

from pathlib import Path

import numpy as np

from songwise.audio.decode import AudioSegment
from songwise.audio.encoding import encoding_facts
from songwise.audio.fingerprint import fingerprint
from songwise.audio.loudness import warm_up
from songwise.clips.columns import CLIP_COLUMNS, TRACK_COLUMNS
from songwise.clips.cut import cut_track
from songwise.clips.decoded import keep
from songwise.clips.fingerprints import write_fingerprints
from songwise.clips.load import RUN_AGAIN, RejectedError, load_track, samples_sha256
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
    decoded: Path | None = None,
) -> None:
    """Decode the acquired tracks of a shard, and describe them and their clips.

    Parameters
    ----------
    tracks : list of Track
        Tracks of the shard.
    dataset : dict
        Content of the data set file.
    state : Path
        Record that `acquire_shard` wrote.
    tracks_csv, clips_csv : Path
        Tables to write, with the columns TRACK_COLUMNS and CLIP_COLUMNS.
    fingerprints : Path
        Parquet file to write, with the fingerprints of the good tracks.
    title : str
        Data set and shard, for the progress display.
    decoded : Path, optional
        Where to keep decoded tracks for the jobs that follow (`clips.decoded`).

    Raises
    ------
    InputError
        If an acquired file is missing.
    """
    warm_up()
    record = read_json(state)["tracks"]
    progress = Progress(f"inspect {title}", len(tracks), "tracks")
    track_rows, clip_rows, items_of = [], [], {}
    for track in tracks:
        fetched = record[track.track_id]
        row = _acquired_row(track, fetched)
        if fetched["status"] == "ok":
            rows, facts, items = _inspect(track, Path(fetched["path"]), dataset, decoded)
            clip_rows += rows
            row |= facts
            if items is not None:
                items_of[track.track_id] = items
        track_rows.append(row)
        print(track.track_id, row["status"], row["reason"], sep="\t")
        progress.step()
    write_rows(tracks_csv, TRACK_COLUMNS, track_rows)
    write_rows(clips_csv, CLIP_COLUMNS, clip_rows)
    write_fingerprints(fingerprints, items_of)


def _acquired_row(track: Track, fetched: dict) -> dict:
    """Return the row of tracks.csv before the audio is decoded."""
    row = {name: getattr(track, name, "") for name in TRACK_COLUMNS}
    row |= {name: fetched[name] for name in ("status", "reason", "sha256")}
    return row | {name: fetched.get(name, "") for name in ("title", "url")} | {"seconds": ""}


def _inspect(
    track: Track, path: Path, dataset: dict, folder: Path | None
) -> tuple[list[dict], dict, np.ndarray | None]:
    """Return the clips' rows, the track's columns and its fingerprint; the fingerprint is None if it is rejected."""
    try:
        decoded = load_track(path, dataset["max_seconds"])
        rows = _good_rows(track, decoded.segment, decoded.seconds, dataset["clip"])
    except RejectedError as error:
        seconds = "" if error.seconds is None else round(error.seconds, 3)
        return [], {"status": error.status, "reason": error.reason, "seconds": seconds}, None
    except FileNotFoundError as error:
        raise InputError(f"{path}: is missing, although it was acquired before; {RUN_AGAIN}") from error
    audio = {"seconds": round(decoded.seconds, 3), "audio_sha256": samples_sha256(decoded.segment)}
    if folder:
        keep(folder, decoded, audio["audio_sha256"])
    return rows, audio | encoding_facts(path, decoded), fingerprint(decoded.segment)


def _good_rows(track: Track, segment: AudioSegment, seconds: float, clip: dict) -> list[dict]:
    rows = [row for row, _ in cut_track(track, segment, seconds, clip)]
    if not rows:
        raise RejectedError("quarantined", f"too short: no clip of {clip['min_seconds']:g} s fits", seconds)
    if all(row["status"] != "ok" for row in rows):
        raise RejectedError("quarantined", "silent: every clip is silent", seconds)
    return rows
