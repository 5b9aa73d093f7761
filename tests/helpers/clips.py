"""Shards of audio files, inspected and cut as the workflow's jobs do."""

from pathlib import Path

from songwise.clips.cut import GoodClips, cut_shard
from songwise.clips.inspect import inspect_shard
from songwise.datasets.track import Track
from songwise.files import read_rows, write_json

CLIP = {"seconds": 2, "hop": 2, "start": 0, "stop": None, "min_seconds": 1}
DATASET = {"name": "test", "clip": CLIP, "max_seconds": 60}


def inspect(tmp_path: Path, paths: dict, dataset: dict = DATASET, decoded: Path | None = None, **fields):
    """Inspect a shard of audio files.

    Parameters
    ----------
    tmp_path : Path
        Folder for the tables.
    paths : dict of str to Path
        Audio file of each track_id.
    dataset : dict, optional
        Content of a data set file.
    decoded : Path, optional
        Where decoded tracks are kept.
    **fields : str
        Fields of each track, such as start.

    Returns
    -------
    tracks : dict of str to dict
        Rows of tracks.csv by track_id.
    clips : list of dict
        Rows of clips.csv.
    shard : dict
        What `GoodClips` needs besides the data set.
    """
    tracks = [Track(name, "label", name, **fields) for name in paths]
    record = {name: {"status": "ok", "reason": "", "path": str(path), "sha256": ""} for name, path in paths.items()}
    tables = {f"{name}_csv": tmp_path / f"{name}.csv" for name in ("tracks", "clips")}
    write_json(tmp_path / "state.json", {"mirror": None, "tracks": record})
    prints = tmp_path / "fingerprints.parquet"
    state = tmp_path / "state.json"
    inspect_shard(tracks, dataset, state=state, **tables, fingerprints=prints, title="test", decoded=decoded)
    rows = {row["track_id"]: row for row in read_rows(tables["tracks_csv"])}
    shard = {"tracks": tracks, "state": state, **tables, "decoded": decoded}
    return rows, read_rows(tables["clips_csv"]), shard


def cut(folder: Path, shard: dict, dataset: dict = DATASET) -> Path:
    """Cut an inspected shard into clips, and return their folder."""
    cut_shard(GoodClips(**shard, dataset=dataset), folder, title="test")
    return folder
