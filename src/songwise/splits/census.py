"""What music there is: the shards' tables as one, what is there twice, and whether enough is left to go on."""

import sys
from collections import Counter, defaultdict
from pathlib import Path

from songwise.clips.columns import CLIP_COLUMNS, TRACK_COLUMNS
from songwise.clips.fingerprints import read_fingerprints
from songwise.errors import InputError
from songwise.files import read_rows, write_rows
from songwise.splits.duplicates import DUPLICATE_COLUMNS, find_duplicates

_SHOWN = 10  # lines of the summary on the terminal


def gather(
    *, track_tables: list[Path], clip_tables: list[Path], fingerprints: list[Path], outputs: dict[str, Path]
) -> None:
    """Write tracks.csv, clips.csv and duplicates.csv, and say what was left out.

    Parameters
    ----------
    track_tables, clip_tables, fingerprints : what `inspect_shard` wrote, all shards.
    outputs : files to write, by "tracks", "clips" and "duplicates".
    """
    tracks = sorted(_read_all(track_tables), key=lambda row: row["track_id"])
    clips = sorted(_read_all(clip_tables), key=lambda row: (row["track_id"], float(row["start"] or 0)))
    duplicates = find_duplicates(tracks, read_fingerprints(fingerprints))
    write_rows(outputs["tracks"], TRACK_COLUMNS, tracks)
    write_rows(outputs["clips"], CLIP_COLUMNS, clips)
    write_rows(outputs["duplicates"], DUPLICATE_COLUMNS, duplicates)
    _summarise(tracks, duplicates, outputs["tracks"])


def _read_all(paths: list[Path]) -> list[dict]:
    return [row for path in paths for row in read_rows(path)]


def _summarise(tracks: list[dict], duplicates: list[dict], path: Path) -> None:
    left_out = defaultdict(list)
    for row in tracks:
        if row["status"] != "ok":
            left_out[row["status"], row["reason"]].append(row["track_id"])
    count = sum(map(len, left_out.values()))
    lines = [f"{len(tracks) - count} of {len(tracks)} tracks are good" + (f"; left out (see {path}):" if count else "")]
    for (status, reason), names in list(left_out.items())[:_SHOWN]:
        lines.append(f"  {status}: {', '.join(names[:3])}{f' and {len(names) - 3} more' * (len(names) > 3)} ({reason})")
    if len(left_out) > _SHOWN:
        lines.append(f"  and for {len(left_out) - _SHOWN} further reasons")
    song = {row["track_id"]: row["song"] for row in tracks}
    unknown = [row for row in duplicates if song[row["track_id"]] != song[row["other_track_id"]]]
    lines += map(_told, unknown[:_SHOWN])
    if len(unknown) > _SHOWN:
        lines.append(f"  and {len(unknown) - _SHOWN} further pairs (see {path.parent}/duplicates.csv)")
    sys.stderr.write("\n".join(lines) + "\n")


def _told(pair: dict) -> str:
    similarity = float(pair["similarity"])
    what = "same audio" if similarity == 1 else f"almost the same audio ({100 * similarity:.1f} %)"
    check = "" if pair["same_label"] == "true" else " (their labels DIFFER: check them)"
    return f"  {what}: {pair['track_id']} and {pair['other_track_id']}, kept on one side of every split{check}"


def check_survival(tracks_csv: Path, min_songs: int) -> None:
    """Raise InputError if a class has fewer than `min_songs` good songs, with the reasons of what was left out."""
    tracks = read_rows(tracks_csv)
    labels = sorted({row["label"] for row in tracks})
    good = Counter(label for label, _ in {(row["label"], row["song"]) for row in tracks if row["status"] == "ok"})
    short = [f"{label} ({good[label]})" for label in labels if good[label] < min_songs]
    if short:
        reasons = Counter(row["reason"].split(":")[0] for row in tracks if row["status"] != "ok")
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        raise InputError(
            f"too few good songs are left in: {', '.join(short)}; {min_songs} a class are needed "
            f"(min_songs, split.folds). Left out: {why}. {tracks_csv} has a reason for each track; after mending "
            "them run again with --forcerun acquire_tracks (what has arrived is kept)"
        )
