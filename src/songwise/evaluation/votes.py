"""The units of evaluation: each song has one vote, and the bootstrap draws groups of songs.

Votes and groups differ. Songs that are the same recording share a vote. A group is one of the honest protocol's: under
by-artist it is an artist with all songs, because songs of one artist are not independent trials.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from songwise.evaluation.bootstrap import bootstrap_draws
from songwise.files import read_rows
from songwise.splits.groups import join


@dataclass(frozen=True)
class Units:
    """The vote and the group of each song.

    Attributes
    ----------
    vote_of : dict of str to str
        Song to the name of its vote. Songs with the same recording share one.
    group_of : dict of str to str
        Song to the name of the group with which it is drawn.
    """

    vote_of: dict[str, str]
    group_of: dict[str, str]

    @property
    def groups(self) -> list[str]:
        """All groups, sorted, including those that no fold tests: the columns of the draws."""
        return sorted(set(self.group_of.values()))

    def votes(self, table: pd.DataFrame) -> np.ndarray:
        """Return how much each row counts.

        The songs of one vote that a repeat tests share it, and repeats are averaged.

        Parameters
        ----------
        table : DataFrame
            One row per clip, or per song, and repeat, with the columns repeat and song.

        Returns
        -------
        ndarray of float, shape (rows,)
            One over the number of these songs and over the number of repeats.
        """
        vote, names = pd.factorize(table["song"].map(self.vote_of))
        repeat, repeats = pd.factorize(table["repeat"])
        place = repeat * len(names) + vote
        songs = np.bincount(place[~table.duplicated(["repeat", "song"])], minlength=len(repeats) * len(names))
        return 1.0 / (songs[place] * len(repeats))


def read_units(*, tracks_csv: Path, duplicates_csv: Path, splits_csv: Path, protocol: str) -> Units:
    """Return the units of a data set.

    Parameters
    ----------
    tracks_csv, duplicates_csv : Path
        Tables of `gather`, which decide what shares a vote.
    splits_csv : Path
        Table of `make_splits`.
    protocol : str
        The honest protocol, whose groups are drawn.

    Returns
    -------
    Units
        For every good song.
    """
    tracks = read_rows(tracks_csv)
    song_of = {row["track_id"]: row["song"] for row in tracks}
    votes = join(tracks, read_rows(duplicates_csv))
    splits = pd.read_csv(splits_csv, dtype=str, keep_default_na=False, usecols=["protocol", "track_id", "group"])
    groups = splits[splits["protocol"] == protocol].drop_duplicates("track_id")
    return Units(
        vote_of={song_of[track_id]: vote for track_id, vote in votes.items()},
        group_of={song_of[row.track_id]: row.group for row in groups.itertuples()},
    )


def by_vote(values: pd.Series, units: Units) -> pd.Series:
    """Return the mean of each vote's songs.

    Parameters
    ----------
    values : Series or DataFrame of float, shape (songs, ...)
        Indexed by song.
    units : Units
        Votes of the songs.

    Returns
    -------
    Series or DataFrame of float, shape (votes, ...)
        Indexed by vote, sorted.
    """
    return values.groupby(pd.Series(units.vote_of)).mean()


def vote_draws(songs: pd.Index, units: Units, seed: int) -> np.ndarray:
    """Return how often the bootstrap draws each vote of these songs, with its group.

    Parameters
    ----------
    songs : Index of str
        Tested songs.
    units : Units
        Their votes and groups.
    seed : int
        Seed of the draws.

    Returns
    -------
    ndarray of int, shape (draws, votes)
        Votes are in the order of `by_vote`.
    """
    group = pd.Series(units.group_of)[songs].groupby(pd.Series(units.vote_of)).first()
    names = units.groups
    return bootstrap_draws(len(names), seed)[:, np.searchsorted(names, group.to_numpy())]
