"""The usable music: all shards' tables as one, duplicates among them, and whether enough is left to continue."""

import sys
from collections import Counter, defaultdict
from pathlib import Path

from songwise.clips.columns import CLIP_COLUMNS, TRACK_COLUMNS
from songwise.clips.fingerprints import read_fingerprints
from songwise.errors import InputError
from songwise.files import read_rows, write_rows
from songwise.splits.duplicates import DUPLICATE_COLUMNS, find_duplicates
from songwise.text import format_names

_SHOWN = 10  # lines of the summary on the terminal


def gather(
    *, track_tables: list[Path], clip_tables: list[Path], fingerprints: list[Path], outputs: dict[str, Path]
) -> None:
    """Write tracks.csv, clips.csv and duplicates.csv, and print what was left out.

    Parameters
    ----------
    track_tables : list of Path
        Tables of tracks that `clips.inspect.inspect_shard` wrote, of all shards.
    clip_tables : list of Path
        Its tables of clips.
    fingerprints : list of Path
        Its tables of fingerprints.
    outputs : dict of str to Path
        Files to write, by "tracks", "clips" and "duplicates".
    """
    tracks = sorted(_read_all(track_tables), key=lambda row: row["track_id"])
    clips = sorted(_read_all(clip_tables), key=lambda row: (row["track_id"], float(row["start"] or 0)))
    duplicates = find_duplicates(tracks, read_fingerprints(fingerprints))
    write_rows(outputs["tracks"], TRACK_COLUMNS, tracks)
    write_rows(outputs["clips"], CLIP_COLUMNS, clips)
    write_rows(outputs["duplicates"], DUPLICATE_COLUMNS, duplicates)
    lines = _describe_left_out(tracks, outputs["tracks"]) + _describe_pairs(tracks, duplicates, outputs["duplicates"])
    sys.stderr.write("\n".join(lines) + "\n")


def _read_all(paths: list[Path]) -> list[dict]:
    return [row for path in paths for row in read_rows(path)]


def _describe_left_out(tracks: list[dict], tracks_csv: Path) -> list[str]:
    left_out = defaultdict(list)
    for row in tracks:
        if row["status"] != "ok":
            left_out[row["status"], row["reason"]].append(row["track_id"])
    count = sum(map(len, left_out.values()))
    details = f"; left out (see {tracks_csv}):" if count else ""
    lines = [f"{len(tracks) - count} of {len(tracks)} tracks are good{details}"]
    for (status, reason), names in list(left_out.items())[:_SHOWN]:
        lines.append(f"  {status}: {format_names(names)} ({reason})")
    if len(left_out) > _SHOWN:
        lines.append(f"  and {len(left_out) - _SHOWN} more reasons")
    return lines


def _describe_pairs(tracks: list[dict], duplicates: list[dict], duplicates_csv: Path) -> list[str]:
    song = {row["track_id"]: row["song"] for row in tracks}
    unknown = [row for row in duplicates if song[row["track_id"]] != song[row["other_track_id"]]]
    lines = [_describe_pair(pair) for pair in unknown[:_SHOWN]]
    if len(unknown) > _SHOWN:
        lines.append(f"  and {len(unknown) - _SHOWN} more pairs (see {duplicates_csv})")
    return lines


def _describe_pair(pair: dict) -> str:
    similarity = float(pair["similarity"])
    what = "same audio" if similarity == 1 else f"almost the same audio ({100 * similarity:.1f} %)"
    check = "" if pair["same_label"] == "true" else " (please check: their labels differ)"
    return f"  {what}: {pair['track_id']} and {pair['other_track_id']}, kept on the same side of every split{check}"


def check_survival(tracks_csv: Path, min_songs: int) -> None:
    """Check that every class has enough good songs.

    Parameters
    ----------
    tracks_csv : Path
        Table of tracks that `gather` wrote.
    min_songs : int
        Songs that every class needs.

    Raises
    ------
    InputError
        If a class has fewer. The message has the reasons why tracks were left out.
    """
    tracks = read_rows(tracks_csv)
    labels = sorted({row["label"] for row in tracks})
    good = Counter(label for label, _ in {(row["label"], row["song"]) for row in tracks if row["status"] == "ok"})
    short = [label for label in labels if good[label] < min_songs]
    if short:
        reasons = Counter(row["reason"].split(":")[0] for row in tracks if row["status"] != "ok")
        left_out = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common()) or "no tracks"
        counts = format_names([f"class {label} has only {good[label]} usable songs" for label in short], _SHOWN)
        raise InputError(
            f"{counts}; at least {min_songs} per class are needed (min_songs, split.folds). Left out: {left_out}. "
            f"{tracks_csv} has a reason for each track. Fix them and run again with --forcerun acquire_tracks (files "
            "that are already there are kept)"
        )
