"""Stage 2, clips: quarantine what is no music, and cut every good track of a shard into clips.

Two steps that decode alike: the tables, on which all else rests, must not change when the audio of clips, which
is temporary, is wanted once more.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from songwise.audio.decode import AudioSegment, Decoded
from songwise.clips.load import SILENT_DBFS, RejectedError, load_track, samples_sha256
from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.files import read_json, read_rows, replacing, safe_name
from songwise.runtime.progress import Progress

RUN_AGAIN = "run again with --forcerun acquire_tracks"


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
            pairs = cut_track(track, decoded.segment, decoded.seconds, self._dataset["clip"])
            found = [pair for pair in pairs if pair[0]["status"] == "ok"]
            if {row["clip_id"] for row, _ in found} != wanted:
                raise InputError(
                    f"{self._clips_csv}: lists other clips of {track.track_id} than are cut now; {RUN_AGAIN}"
                )
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
        decoded = load_track(path, max_seconds)
    except (RejectedError, OSError) as error:
        raise InputError(f"{path}: could be decoded before, and now cannot ({error}); {RUN_AGAIN}") from error
    if samples_sha256(decoded.segment) != audio_sha256:
        raise InputError(f"{path}: holds other audio than when it was inspected; {RUN_AGAIN}")
    return decoded


def cut_track(track: Track, segment: AudioSegment, seconds: float, clip: dict) -> Iterator[tuple[dict, AudioSegment]]:
    own = {name: float(getattr(track, name)) for name in ("start", "stop") if getattr(track, name)}
    for start, length in clip_starts(seconds, clip | own):
        start_ms = round(1000 * start)
        piece = segment[start_ms : start_ms + round(1000 * length)]
        silent = piece.max_dBFS < SILENT_DBFS
        row = {
            "clip_id": f"{track.track_id}@{start_ms}",
            "track_id": track.track_id,
            "start": f"{start:g}",
            "seconds": f"{length:.3f}",
            "status": "quarantined" if silent else "ok",
            "reason": "silent" if silent else "",
        }
        yield row, piece
