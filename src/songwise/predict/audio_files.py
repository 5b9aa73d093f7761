"""Where the audio of a data set's tracks is on this machine."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from songwise.files import read_json
from songwise.paths import raw_folder

_DATASET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
MEDIA_TYPES = {
    ".aac": "audio/aac",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".webm": "audio/webm",
}


def find_audio(tracks: Sequence[Mapping[str, str]], dataset: str, *, root: Path) -> list[Path | None]:
    """Return the audio file of each track.

    Records of shared data sets come from strangers. So a file counts only if its suffix is one of audio.

    Parameters
    ----------
    tracks : sequence of mapping
        Rows with the column track_id.
    dataset : str
        Name of the data set.
    root : Path
        The project's folder, to which the records' paths are relative.

    Returns
    -------
    list of Path or None
        In the order of `tracks`. None if the file is not on this machine.
    """
    recorded: dict[str, str] = {}
    if _DATASET.fullmatch(dataset):
        for record in sorted((root / raw_folder(dataset) / "shards").glob("*.json")):
            recorded |= _paths(record)
    return [_file(root, recorded.get(track["track_id"])) for track in tracks]


def _paths(record: Path) -> dict[str, str]:
    try:
        rows = read_json(record)["tracks"].items()
        return {str(track_id): row["path"] for track_id, row in rows if row["status"] == "ok"}
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return {}  # the answers work without players


def _file(root: Path, path: str | None) -> Path | None:
    if not isinstance(path, str) or "\0" in path:
        return None
    file = root / path
    return file if file.suffix.lower() in MEDIA_TYPES and file.is_file() else None
