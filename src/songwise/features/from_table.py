"""Source `table`: the tables of tracks, clips and features from features that already exist."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from songwise.clips.columns import CLIP_COLUMNS, TRACK_COLUMNS
from songwise.clips.fingerprints import write_fingerprints
from songwise.datasets.feature_table import FeatureTable, TableClip, track_identifier
from songwise.datasets.track import Track
from songwise.files import replacing, write_rows


def write_shard(
    table: FeatureTable,
    tracks: list[Track],
    preset: dict,
    *,
    tracks_csv: Path,
    clips_csv: Path,
    fingerprints: Path,
    features: Path,
) -> None:
    """Write the tables that inspect_tracks and extract_features write from audio, with every clip good.

    Parameters
    ----------
    table : FeatureTable
        The existing features.
    tracks : list of Track
        Tracks to keep; clips of other tracks are left out.
    preset : dict
        For the metadata of `features`.
    tracks_csv : Path
        Table of tracks to write. A track's audio_sha256 is the hash of its numbers in any order of its rows, so that
        the same song under two names is found.
    clips_csv : Path
        Table of clips to write.
    fingerprints : Path
        Table of fingerprints to write; it is empty, because there is no audio.
    features : Path
        Parquet table to write: clip_id (TRACK@FILE NAME), then the columns as float64.
    """
    clips_of: dict[str, list[TableClip]] = {track.track_id: [] for track in tracks}
    for clip in table.clips:
        if clip.track_id in clips_of:
            clips_of[clip.track_id].append(clip)
    track_rows = []
    for track in tracks:
        numbers = b"".join(sorted(clip.numbers.tobytes() for clip in clips_of[track.track_id]))
        row = {name: getattr(track, name, "") for name in TRACK_COLUMNS}
        digest = hashlib.sha256(numbers).hexdigest()
        track_rows.append(row | {"status": "ok", "seconds": "", "sha256": digest, "audio_sha256": digest})
    kept = [clip for clips in clips_of.values() for clip in clips]
    clip_ids = [f"{clip.track_id}@{track_identifier(clip.name)}" for clip in kept]
    write_rows(tracks_csv, TRACK_COLUMNS, track_rows)
    write_rows(
        clips_csv,
        CLIP_COLUMNS,
        [
            {"clip_id": clip_id, "track_id": clip.track_id, "status": "ok"}
            for clip_id, clip in zip(clip_ids, kept, strict=True)
        ],
    )
    write_fingerprints(fingerprints, {})
    numbers = np.array([clip.numbers for clip in kept])
    fields = [pa.field("clip_id", pa.string()), *(pa.field(name, pa.float64()) for name in table.columns)]
    schema = pa.schema(fields, metadata={"songwise.preset": json.dumps(preset, sort_keys=True)})
    content = pa.table([pa.array(clip_ids), *(pa.array(column) for column in numbers.T)], schema=schema)
    with replacing(features) as temporary:
        parquet.write_table(content, temporary)
