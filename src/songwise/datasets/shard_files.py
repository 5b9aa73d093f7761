"""The rows of the track sheet for each shard, as files that its jobs read.

Parsing a sheet of 100,000 rows takes seconds. The start of a run does it once and writes a file per shard. No job does
it again.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from songwise.datasets.track import SHEET_COLUMNS, Track
from songwise.errors import InputError
from songwise.files import write_text
from songwise.paths import shard_rows


def write_shards(dataset: Mapping, tracks: list[Track], shards: Mapping[int, list[Track]]) -> None:
    """Write each shard's rows to the file that its jobs read, and remove the files of shards that have no rows.

    A file that has these rows already keeps its timestamp.

    Parameters
    ----------
    dataset : mapping
        The data set file's content, with config's `clip` in it.
    tracks : list of Track
        The whole sheet, in its order.
    shards : mapping of int to list of Track
        What `datasets.shards.deal` returns for it.
    """
    place = {track.track_id: number for number, track in enumerate(tracks)}
    header = json.dumps({"dataset": dict(dataset), "columns": SHEET_COLUMNS}, ensure_ascii=False, sort_keys=True)
    paths = {shard_rows(dataset["name"], shard): dealt for shard, dealt in shards.items()}
    for path, dealt in paths.items():
        rows = [[place[track.track_id], *(getattr(track, column) for column in SHEET_COLUMNS)] for track in dealt]
        content = f"{header}\n{json.dumps(rows, ensure_ascii=False)}\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            write_text(path, content)
    for path in set(next(iter(paths)).parent.glob("*.json")) - paths.keys():
        path.unlink()


def read_shard(dataset: str, shard: int) -> tuple[dict, list[Track]]:
    """Return a data set file's content and the tracks of one shard, as the start of the run wrote them.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    shard : int
        Number of the shard.

    Returns
    -------
    dataset : dict
        The data set file's content, with config's `clip` in it.
    tracks : list of Track
        In the order of the sheet.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    content, rows = _read(shard_rows(dataset, shard))
    return content, [Track(*values) for _, *values in rows]


def read_shards(dataset: str) -> tuple[dict, list[Track]]:
    """Return a data set file's content and all of its tracks, in the order of the sheet.

    Parameters
    ----------
    dataset : str
        Name of the data set.

    Returns
    -------
    dataset : dict
        The data set file's content, with config's `clip` in it.
    tracks : list of Track
        Of all shards.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    folder = shard_rows(dataset, 0).parent
    parts = [_read(path) for path in sorted(folder.glob("*.json"))]
    if not parts:
        raise InputError(f"{folder}: the tracks of the shards are missing here. Run the same command again")
    rows = sorted((row for _, of_shard in parts for row in of_shard), key=lambda row: row[0])
    return parts[0][0], [Track(*values) for _, *values in rows]


def _read(path: Path) -> tuple[dict, list[list]]:
    try:
        header, rows = path.read_text(encoding="utf-8").splitlines()
        content = json.loads(header)
        if content["columns"] != SHEET_COLUMNS:
            raise ValueError("it has other columns")
        return content["dataset"], json.loads(rows)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: the tracks cannot be read ({error}). Run the same command again") from error
