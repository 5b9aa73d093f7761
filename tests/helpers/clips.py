"""Shards of audio files as inspect_shard sees them."""

from songwise.clips.inspect import inspect_shard
from songwise.datasets.track import Track
from songwise.files import read_rows, write_json

CLIP = {"seconds": 2, "hop": 2, "start": 0, "stop": None, "min_seconds": 1}
DATASET = {"name": "test", "clip": CLIP, "max_seconds": 60}


def inspect(tmp_path, paths: dict, dataset: dict = DATASET, **fields):
    """The tables that `inspect_shard` writes of audio files by track_id, and what `GoodClips` needs to give them."""
    tracks = [Track(name, "label", name, **fields) for name in paths]
    record = {name: {"status": "ok", "reason": "", "path": str(path), "sha256": ""} for name, path in paths.items()}
    tables = {f"{name}_csv": tmp_path / f"{name}.csv" for name in ("tracks", "clips")}
    write_json(tmp_path / "state.json", {"mirror": None, "tracks": record})
    prints = tmp_path / "fingerprints.parquet"
    inspect_shard(tracks, dataset, state=tmp_path / "state.json", **tables, fingerprints=prints, title="test")
    rows = {row["track_id"]: row for row in read_rows(tables["tracks_csv"])}
    return rows, read_rows(tables["clips_csv"]), {"tracks": tracks, "state": tmp_path / "state.json", **tables}
