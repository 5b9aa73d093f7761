"""What has one vote in the figures, and what the bootstrap draws.

They are two things. A vote is a song, with every song that is the same recording. What is drawn is a group of the
honest protocol: under by-artist an artist with all the songs, since songs of one artist are no independent trials.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from songwise.files import read_rows
from songwise.splits.groups import join


@dataclass(frozen=True)
class Units:
    """The vote and the group of each song.

    Attributes
    ----------
    vote_of : song to the name of its vote; songs joined by duplicate recordings share one.
    group_of : song to the name of the group that it is drawn with.
    """

    vote_of: dict[str, str]
    group_of: dict[str, str]

    @property
    def groups(self) -> list[str]:
        """All groups, sorted, those that no fold tests included: the columns of the draws."""
        return sorted(set(self.group_of.values()))

    def votes(self, table: pd.DataFrame) -> np.ndarray:
        """How much each row counts: the songs of a vote that a repeat tests share one, and repeats are averaged.

        Parameters
        ----------
        table : repeat, song; a row a clip or a song, and repeat.
        """
        vote, names = pd.factorize(table["song"].map(self.vote_of))
        repeat, repeats = pd.factorize(table["repeat"])
        place = repeat * len(names) + vote
        songs = np.bincount(place[~table.duplicated(["repeat", "song"])], minlength=len(repeats) * len(names))
        return 1.0 / (songs[place] * len(repeats))


def read_units(*, tracks_csv: Path, duplicates_csv: Path, splits_csv: Path, protocol: str) -> Units:
    """The units of a data set.

    Parameters
    ----------
    tracks_csv, duplicates_csv : what has one vote.
    splits_csv, protocol : the honest protocol's groups are what is drawn.
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
