"""splits.csv: its columns, and the rounds of training and testing that it describes."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from songwise.files import read_rows

SPLIT_COLUMNS = ("protocol", "repeat", "clip_id", "track_id", "label", "group", "fold", "role")


class Round(NamedTuple):
    """One fit and its test: rows of splits.csv, a clip each.

    Attributes
    ----------
    repeat, fold : which one.
    train : what the model is fitted on.
    valid : what may choose among settings and is never trained on or tested; empty unless the roles are predefined.
    test : what it is tested on.
    """

    repeat: int
    fold: int
    train: pd.DataFrame
    valid: pd.DataFrame
    test: pd.DataFrame


def read_rounds(splits_csv: Path, protocol: str) -> list[Round]:
    """Every fit of a protocol, by repeat and fold. In fold f the clips with fold f are tested and all others trained
    on, but for those whose role is "valid"; clips with fold -1 are never tested."""
    return split_rounds(read_splits(splits_csv, protocol))


def split_rounds(splits: pd.DataFrame) -> list[Round]:
    found = []
    for repeat, rows in splits.groupby("repeat"):
        valid = rows["role"] == "valid"
        for fold in sorted(set(rows["fold"]) - {-1}):
            tested = rows["fold"] == fold
            found.append(Round(int(repeat), int(fold), rows[~tested & ~valid], rows[valid], rows[tested]))
    return found


def read_splits(splits_csv: Path, protocol: str) -> pd.DataFrame:
    """The rows of splits.csv of one protocol, names and labels as text."""
    text = {"clip_id": str, "track_id": str, "label": str, "group": str}
    splits = pd.read_csv(splits_csv, keep_default_na=False, dtype=text)
    return splits[splits["protocol"] == protocol].copy()


def read_songs(tracks_csv: Path) -> dict[str, str]:
    """Return the song of each track.

    Parameters
    ----------
    tracks_csv : Path
        Table of `gather`, with the columns track_id and song.

    Returns
    -------
    dict of str to str
        track_id to song, also for tracks that were left out.
    """
    return {row["track_id"]: row["song"] for row in read_rows(tracks_csv)}
