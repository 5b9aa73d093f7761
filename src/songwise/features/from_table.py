"""Source `table`: what inspect_tracks and extract_features write, from features that exist already."""

import hashlib
from pathlib import Path

from songwise.datasets.feature_table import FeatureTable, TableClip, track_identifier
from songwise.files import replacing, write_rows


def write_shard(
    table: FeatureTable,
    tracks: list,
    preset: dict,
    *,
    tracks_csv: Path,
    clips_csv: Path,
    fingerprints: Path,
    features: Path,
) -> None:
    """Write what inspect_tracks and extract_features write of audio, with every clip good.

    Parameters
    ----------
    tracks : (`sheet.Track`) those to keep; clips of others are left out.
    preset : for the metadata of `features`.
    tracks_csv, clips_csv : to write; a track's audio_sha256 is that of its numbers, whatever the order of its rows, so
        that a song that stands there under two names is found.
    fingerprints : to write, without any: there is nothing to hear.
    features : Parquet to write: clip_id (TRACK@FILE NAME), then the columns as double.
    """
    import json

    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    from songwise.clips.columns import CLIP_COLUMNS, TRACK_COLUMNS
    from songwise.clips.fingerprints import write_fingerprints

    clips_of: dict[str, list[TableClip]] = {track.track_id: [] for track in tracks}
    for clip in table.clips:
        if clip.track_id in clips_of:
            clips_of[clip.track_id].append(clip)
    track_rows = []
    for track in tracks:
        heard = hashlib.sha256(b"".join(sorted(clip.numbers.tobytes() for clip in clips_of[track.track_id])))
        row = {name: getattr(track, name, "") for name in TRACK_COLUMNS}
        digest = heard.hexdigest()
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
