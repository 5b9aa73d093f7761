"""The gate: no song, no artist or album where the protocol says so, and no recording on two sides of a split.

Songs, artists and albums come from the sheet and recordings from the audio, never from the splitter's own group column,
so a mistake of the splitter cannot hide itself.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from songwise.datasets.track import Track
from songwise.errors import InputError
from songwise.files import read_rows, write_json
from songwise.splits.protocols import KEPT_WHOLE, RANDOM_CLIPS

_SHOWN = 5
_SIDES = {"train": "training", "valid": "validation", "test": "test"}


def check_splits(
    tracks: list[Track], *, tracks_csv: Path, duplicates_csv: Path, splits_csv: Path, output: Path
) -> None:
    """Fail if something that a protocol keeps whole stands on two sides of any fold; else write what was checked.

    Parameters
    ----------
    tracks : the sheet.
    tracks_csv : for the hash of each track's decoded samples.
    duplicates_csv : for the pairs of tracks that sound the same.
    splits_csv : what `make_splits` wrote; random-clips alone is not looked at.
    output : JSON to write: protocol to the number of folds checked.

    Raises
    ------
    InputError : naming protocol, repeat, fold, what leaks and through which tracks.
    """
    splits = pd.read_csv(splits_csv, dtype=str, keep_default_na=False)
    checked = {}
    for protocol, table in splits[splits["protocol"] != RANDOM_CLIPS].groupby("protocol"):
        known = _identities(tracks, tracks_csv, duplicates_csv, protocol)
        checked[protocol] = 0
        for repeat, rows in table.groupby("repeat"):
            for fold in sorted(set(rows["fold"]) - {"-1"}):
                side = rows["role"].where(rows["role"] == "valid", "train").mask(rows["fold"] == fold, "test")
                _check_sides(rows["track_id"], side, known, f"{splits_csv}: {protocol}, repeat {repeat}, fold {fold}")
                checked[protocol] += 1
    write_json(output, checked)


def check_fits(
    tracks: list[Track], *, tracks_csv: Path, duplicates_csv: Path, fits: dict[Path, str], output: Path
) -> None:
    """The same of the clips that each model recorded while it was fitted and tested.

    Parameters
    ----------
    fits : fits.parquet of each model (repeat, fold, role, clip_id), and the protocol that it followed.

    Raises
    ------
    InputError : naming the model's file, repeat, fold, what leaks and through which tracks.
    """
    known = {name: _identities(tracks, tracks_csv, duplicates_csv, name) for name in set(fits.values())}
    checked = {}
    for path, protocol in fits.items():
        record = pd.read_parquet(path)
        record["track_id"] = record["clip_id"].str.rsplit("@", n=1).str[0]
        folds = record.groupby(["repeat", "fold"])
        for (repeat, fold), rows in folds:
            _check_sides(rows["track_id"], rows["role"], known[protocol], f"{path}: repeat {repeat}, fold {fold}")
        checked[str(path)] = len(folds)
    write_json(output, checked)


def _identities(
    tracks: list[Track], tracks_csv: Path, duplicates_csv: Path, protocol: str
) -> dict[str, list[tuple[str, str]]]:
    """What each track must share a side with: the kind of the tie, and its name."""
    found = {
        track.track_id: [(kind, getattr(track, kind)) for kind in KEPT_WHOLE[protocol] if getattr(track, kind)]
        for track in tracks
    }
    for row in read_rows(tracks_csv):
        if row["audio_sha256"]:
            found[row["track_id"]].append(("audio", row["audio_sha256"]))
    for row in read_rows(duplicates_csv):
        pair = (row["track_id"], row["other_track_id"])
        for track_id in pair:
            found[track_id].append(("pair", "\n".join(pair)))
    return found


def _check_sides(tracks: Iterable[str], sides: Iterable[str], known: dict, where: str) -> None:
    first: dict[tuple, tuple[str, str]] = {}
    leaks = {}
    for track_id, side in sorted(set(zip(tracks, sides, strict=True))):
        for tie in known[track_id]:
            other, other_side = first.setdefault(tie, (track_id, side))
            if side != other_side:
                through = f"{other} in {_SIDES[other_side]}, {track_id} in {_SIDES[side]}"
                leaks.setdefault(tie, f"{_in_words(tie)} ({through})")
    if leaks:
        more = f" and {len(leaks) - _SHOWN} more" if len(leaks) > _SHOWN else ""
        raise InputError(
            f"{where}: on two sides stand {'; '.join(list(leaks.values())[:_SHOWN])}{more}. Figures from such a split "
            "are worth nothing, so the run stops. Folds and roles of your own are mended in the track sheet: "
            "what belongs together needs one fold, or one role"
        )


def _in_words(tie: tuple[str, str]) -> str:
    kind, name = tie
    return {"audio": "the same audio", "pair": "almost the same audio"}.get(kind, f"{kind} '{name}'")
