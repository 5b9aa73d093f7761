"""The gate: checks that no song or recording, and no artist or album if the protocol keeps them, crosses a split.

Songs, artists and albums come from the sheet, and recordings from the audio. The splitter's own group column is never
used, so that a bug in the splitter cannot hide itself.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.files import read_rows, write_json
from songwise.splits.protocols import PROTOCOLS, RANDOM_CLIPS
from songwise.splits.table import NEVER_TESTED
from songwise.text import format_names

_SHOWN = 5
_SIDES = {"train": "training", "valid": "validation", "test": "test"}


def check_splits(
    tracks: list[Track], *, tracks_csv: Path, duplicates_csv: Path, splits_csv: Path, output: Path
) -> None:
    """Check that everything a protocol keeps whole is on one side of every fold.

    Parameters
    ----------
    tracks : list of Track
        The track sheet.
    tracks_csv : Path
        Table of tracks, for the hash of each track's decoded samples.
    duplicates_csv : Path
        Table of pairs of tracks that sound the same.
    splits_csv : Path
        What `make.make_splits` wrote. Only random-clips is not checked.
    output : Path
        JSON to write: per protocol the number of folds that were checked.

    Raises
    ------
    InputError
        If something is on two sides. The message names protocol, repeat, fold, what leaks, and through which tracks.
    """
    splits = pd.read_csv(splits_csv, dtype=str, keep_default_na=False)
    checked = {}
    for protocol, table in splits[splits["protocol"] != RANDOM_CLIPS].groupby("protocol"):
        ties = _ties(tracks, tracks_csv, duplicates_csv, protocol)
        checked[protocol] = 0
        for repeat, rows in table.groupby("repeat"):
            for fold in sorted(set(rows["fold"]) - {str(NEVER_TESTED)}):
                sides = rows["role"].where(rows["role"] == "valid", "train").mask(rows["fold"] == fold, "test")
                _check_sides(rows["track_id"], sides, ties, f"{splits_csv}: {protocol}, repeat {repeat}, fold {fold}")
                checked[protocol] += 1
    write_json(output, checked)


def check_fits(
    tracks: list[Track], *, tracks_csv: Path, duplicates_csv: Path, fits: dict[Path, str], output: Path
) -> None:
    """Check the same for the clips that each model recorded while it was fitted and tested.

    Parameters
    ----------
    tracks : list of Track
        The track sheet.
    tracks_csv : Path
        Table of tracks, for the hash of each track's decoded samples.
    duplicates_csv : Path
        Table of pairs of tracks that sound the same.
    fits : dict of Path to str
        fits.parquet of each model (repeat, fold, role, clip_id), and the protocol that it followed.
    output : Path
        JSON to write: per file the number of folds that were checked.

    Raises
    ------
    InputError
        If something is on two sides. The message names the file, repeat, fold, what leaks, and through which tracks.
    """
    ties = {name: _ties(tracks, tracks_csv, duplicates_csv, name) for name in set(fits.values())}
    checked = {}
    for path, protocol in fits.items():
        record = pd.read_parquet(path)
        record["track_id"] = record["clip_id"].str.rsplit("@", n=1).str[0]
        folds = record.groupby(["repeat", "fold"])
        for (repeat, fold), rows in folds:
            _check_sides(rows["track_id"], rows["role"], ties[protocol], f"{path}: repeat {repeat}, fold {fold}")
        checked[str(path)] = len(folds)
    write_json(output, checked)


def _ties(
    tracks: list[Track], tracks_csv: Path, duplicates_csv: Path, protocol: str
) -> dict[str, list[tuple[str, str]]]:
    """Return, per track, what keeps it on the same side as others: the kind of each tie, and its value."""
    columns = PROTOCOLS[protocol].keeps_whole
    ties = {
        track.track_id: [(column, getattr(track, column)) for column in columns if getattr(track, column)]
        for track in tracks
    }
    for row in read_rows(tracks_csv):
        if row["audio_sha256"]:
            ties[row["track_id"]].append(("audio", row["audio_sha256"]))
    for row in read_rows(duplicates_csv):
        pair = (row["track_id"], row["other_track_id"])
        for track_id in pair:
            ties[track_id].append(("pair", "\n".join(pair)))
    return ties


def _check_sides(tracks: Iterable[str], sides: Iterable[str], ties: dict, where: str) -> None:
    first: dict[tuple, tuple[str, str]] = {}
    leaks = {}
    for track_id, side in sorted(set(zip(tracks, sides, strict=True))):
        for tie in ties[track_id]:
            other, other_side = first.setdefault(tie, (track_id, side))
            if side != other_side:
                through = f"{other} in {_SIDES[other_side]}, {track_id} in {_SIDES[side]}"
                leaks.setdefault(tie, f"{_describe(tie)} ({through})")
    if leaks:
        raise InputError(
            f"{where}: on two sides of the split: {format_names(list(leaks.values()), _SHOWN, separator='; ')}. The "
            "results would be invalid, so the run stops. If the folds or roles are your own, correct them in the track "
            "sheet: give these tracks the same fold or the same role"
        )


def _describe(tie: tuple[str, str]) -> str:
    kind, value = tie
    return {"audio": "the same audio", "pair": "almost the same audio"}.get(kind, f"{kind} '{value}'")
