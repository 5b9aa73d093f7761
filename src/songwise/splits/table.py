"""splits.csv: its columns, and the rounds of training and testing that it describes."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from songwise.files import read_rows

SPLIT_COLUMNS = ("protocol", "repeat", "clip_id", "track_id", "label", "group", "fold", "role")
NEVER_TESTED = -1  # in the column fold
_TEXT = ("clip_id", "track_id", "label", "group")


class Round(NamedTuple):
    """One fit and its test, as rows of splits.csv, one per clip.

    Attributes
    ----------
    repeat : int
        Number of the repeat.
    fold : int
        Number of the fold that is tested.
    train : DataFrame
        Clips to fit the model on.
    valid : DataFrame
        Clips on which settings may be chosen, and which are never trained on or tested. Empty unless the sheet has
        roles.
    test : DataFrame
        Clips to test.
    """

    repeat: int
    fold: int
    train: pd.DataFrame
    valid: pd.DataFrame
    test: pd.DataFrame


def read_splits(splits_csv: Path, protocol: str) -> pd.DataFrame:
    """Read the rows of one protocol.

    Parameters
    ----------
    splits_csv : Path
        What `make.make_splits` wrote.
    protocol : str
        Name of the protocol.

    Returns
    -------
    DataFrame
        One row per repeat and clip, with SPLIT_COLUMNS. Identifiers and labels are text.
    """
    splits = pd.read_csv(splits_csv, keep_default_na=False, dtype=dict.fromkeys(_TEXT, str))
    return splits[splits["protocol"] == protocol].copy()


def read_rounds(splits_csv: Path, protocol: str) -> list[Round]:
    """Read every fit of a protocol, by repeat and fold.

    In fold f the clips with fold f are tested, and all others are trained on except those with the role "valid". Clips
    with the fold -1 are never tested.

    Parameters
    ----------
    splits_csv : Path
        What `make.make_splits` wrote.
    protocol : str
        Name of the protocol.

    Returns
    -------
    list of Round
        One per repeat and fold.
    """
    return divide_rounds(read_splits(splits_csv, protocol))


def divide_rounds(splits: pd.DataFrame) -> list[Round]:
    """Divide the rows of one protocol into rounds, as `read_rounds` does.

    Parameters
    ----------
    splits : DataFrame
        Rows of one protocol.

    Returns
    -------
    list of Round
        One per repeat and fold.
    """
    rounds = []
    for repeat, rows in splits.groupby("repeat"):
        valid = rows["role"] == "valid"
        for fold in sorted(set(rows["fold"]) - {NEVER_TESTED}):
            tested = rows["fold"] == fold
            rounds.append(Round(int(repeat), int(fold), rows[~tested & ~valid], rows[valid], rows[tested]))
    return rounds


def first_repeat(splits: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of repeat 0: every good clip once, with its label and group.

    Parameters
    ----------
    splits : DataFrame
        Rows of one protocol.

    Returns
    -------
    DataFrame
        One row per clip.
    """
    return splits[splits["repeat"] == 0]


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
