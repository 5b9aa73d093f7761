"""Cut tracks into clips.

The tables of clips are written first, by `clips.inspect`. The clips' audio is temporary: features decode the tracks
again. Both use `cut_track`, so the audio always matches the tables.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from songwise.audio.decode import AudioSegment
from songwise.clips.load import RUN_AGAIN, SILENT_DBFS, load_again
from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.files import read_json, read_rows, replacing, safe_name
from songwise.runtime.progress import Progress

_TOLERANCE = 1e-3  # seconds; a file some samples short of a whole number of clips keeps its last clip


def clip_starts(seconds: float, clip: dict) -> list[tuple[float, float]]:
    """Return where the clips of a track are.

    Parameters
    ----------
    seconds : float
        Length of the track.
    clip : dict
        The data set's clip keys: seconds, hop, start, stop, min_seconds.

    Returns
    -------
    list of (float, float)
        Start and length of each clip in seconds.
    """
    end = seconds if clip["stop"] is None else min(seconds, clip["stop"])
    places = []
    index = 0
    while (start := clip["start"] + index * clip["hop"]) + clip["min_seconds"] <= end + _TOLERANCE:
        places.append((start, min(clip["seconds"], end - start)))
        index += 1
    return places


def cut_track(track: Track, segment: AudioSegment, seconds: float, clip: dict) -> Iterator[tuple[dict, AudioSegment]]:
    """Cut a track into clips.

    Parameters
    ----------
    track : Track
        Its own start and stop replace those of the data set.
    segment : AudioSegment
        Samples of the track.
    seconds : float
        Length of the track.
    clip : dict
        The data set's clip keys.

    Yields
    ------
    row : dict
        Row of clips.csv (`columns.CLIP_COLUMNS`). Silent clips are quarantined.
    audio : AudioSegment
        Samples of the clip.
    """
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


class GoodClips:
    """The good clips of a shard, decoded track by track: pairs of clip_id and audio at the track's own rate.

    Iteration raises InputError if a track has changed since it was inspected. The clips are exactly the good rows of
    `clips_csv`; `len` is their number.

    Parameters
    ----------
    tracks : list of Track
        Tracks of the shard.
    dataset : dict
        Content of the data set file.
    state : Path
        Record that `acquire_shard` wrote.
    tracks_csv, clips_csv : Path
        Tables that `inspect_shard` wrote.
    decoded : Path, optional
        Where inspection kept decoded tracks (`clips.decoded`).
    """

    def __init__(
        self,
        tracks: list[Track],
        dataset: dict,
        *,
        state: Path,
        tracks_csv: Path,
        clips_csv: Path,
        decoded: Path | None = None,
    ):
        self._tracks, self._dataset, self._clips_csv, self._decoded = tracks, dataset, clips_csv, decoded
        self._record = read_json(state)["tracks"]
        self._audio_sha256 = {row["track_id"]: row["audio_sha256"] for row in read_rows(tracks_csv)}
        self._clip_ids = defaultdict(set)
        for row in read_rows(clips_csv):
            if row["status"] == "ok":
                self._clip_ids[row["track_id"]].add(row["clip_id"])

    def __len__(self) -> int:
        """Return the number of clips."""
        return sum(map(len, self._clip_ids.values()))

    def __iter__(self) -> Iterator[tuple[str, AudioSegment]]:
        """Yield clip_id and audio of each clip."""
        for track in self._tracks:
            if track.track_id in self._clip_ids:
                yield from self._clips_of(track)

    def _clips_of(self, track: Track) -> list[tuple[str, AudioSegment]]:
        path = Path(self._record[track.track_id]["path"])
        decoded = load_again(path, self._dataset["max_seconds"], self._audio_sha256[track.track_id], self._decoded)
        cut = cut_track(track, decoded.segment, decoded.seconds, self._dataset["clip"])
        good = {row["clip_id"]: piece for row, piece in cut if row["status"] == "ok"}
        if good.keys() != self._clip_ids[track.track_id]:
            raise InputError(
                f"{self._clips_csv}: its clips of {track.track_id} are not the ones that are cut now; {RUN_AGAIN}"
            )
        return list(good.items())


def cut_shard(clips: GoodClips, folder: Path, title: str) -> None:
    """Write clips as 16-bit WAV files, at the track's own sample rate and channels.

    Parameters
    ----------
    clips : GoodClips
        Clips to write.
    folder : Path
        Folder to create; it is complete or absent.
    title : str
        Data set and shard, for the progress display.
    """
    progress = Progress(f"clips {title}", len(clips), "clips")
    with replacing(folder) as building:
        building.mkdir()
        for clip_id, piece in clips:
            piece.export(clip_path(building, clip_id), format="wav").close()
            progress.step()


def clip_path(folder: Path, clip_id: str) -> Path:
    """Return the WAV file of a clip in its shard's folder."""
    return folder / f"{safe_name(clip_id)}.wav"
