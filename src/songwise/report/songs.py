"""The songs of the page: their names, which cell of a matrix each is in, and which the best model gets wrong."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from songwise.paths import verdicts_table
from songwise.splits.groups import join
from songwise.text import clean_text

_NAME = 90  # characters of a name
_TEXT = ("song", "label", "predicted")


@dataclass(frozen=True)
class Song:
    """How a page names a song.

    Attributes
    ----------
    name : str
        Its title and artist if they are known, otherwise its identifier.
    address : str
        Of its page on the web; empty if none is known.
    """

    name: str
    address: str


@dataclass(frozen=True)
class Mistake:
    """A song for which a model predicts a wrong label.

    Attributes
    ----------
    song : str
        Its identifier.
    label, predicted : str
        Its true label, and the wrong one that was predicted most often.
    probability, of_label : float
        Of the predicted and of the true label, mean over the repeats that tested the song.
    wrong, tested : int
        In how many repeats the prediction was wrong, and in how many the song was tested.
    """

    song: str
    label: str
    predicted: str
    probability: float
    of_label: float
    wrong: int
    tested: int


def songs_by_id(tracks: Iterable[Mapping[str, str]]) -> dict[str, Song]:
    """Return how to name each song, from the first of its tracks that has a title.

    Parameters
    ----------
    tracks : iterable of mapping
        Rows of tracks.csv.

    Returns
    -------
    dict of str to Song
        By the song's identifier.
    """
    songs: dict[str, Song] = {}
    for row in tracks:
        identifier, title = row["song"], row.get("title", "")
        if identifier not in songs or (title and songs[identifier].name == clean_text(identifier, _NAME)):
            artist = f" ({row['artist']})" if title and row.get("artist") else ""
            address = row.get("url", "")
            songs[identifier] = Song(
                clean_text(f"{title}{artist}" if title else identifier, _NAME),
                address if address.startswith(("https://", "http://")) else "",
            )
    return songs


def songs_per_class(tracks: Sequence[dict], duplicates: Iterable[dict]) -> list[tuple[str, int]]:
    """Return how many usable songs each class has; songs with the same recording count once.

    Parameters
    ----------
    tracks : sequence of dict
        Rows of tracks.csv.
    duplicates : iterable of dict
        Rows of duplicates.csv.

    Returns
    -------
    list of (str, int)
        Sorted by class.
    """
    label_of = {row["song"]: row["label"] for row in tracks if row["status"] == "ok"}
    recordings = set(join(list(tracks), duplicates).values())
    return sorted(Counter(label_of[song] for song in recordings).items())


def read_verdicts(results: Path, run: str, protocol: str) -> pd.DataFrame:
    """Return what a model predicted for each song in each repeat, without probabilities.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.
    run : str
        MODEL@PRESET.
    protocol : str
        Name of the protocol.

    Returns
    -------
    DataFrame
        Columns repeat, song, label and predicted.
    """
    path = verdicts_table(results, run, protocol)
    columns = ["repeat", *_TEXT]
    return pd.read_csv(path, usecols=columns, dtype=dict.fromkeys(_TEXT, str), keep_default_na=False)


def read_mistakes(results: Path, run: str, protocol: str) -> list[Mistake]:
    """Return the songs that a model gets wrong in any repeat, those with the most confident mistakes first.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.
    run : str
        MODEL@PRESET.
    protocol : str
        Name of the protocol.

    Returns
    -------
    list of Mistake
        One per song.
    """
    path = verdicts_table(results, run, protocol)
    return find_mistakes(pd.read_csv(path, dtype=dict.fromkeys(_TEXT, str), keep_default_na=False))


def find_mistakes(table: pd.DataFrame) -> list[Mistake]:
    """Return the songs that are wrong in any repeat, those with the most confident mistakes first.

    Parameters
    ----------
    table : DataFrame
        One row per song and repeat, with the columns song, label, predicted and p_LABEL.

    Returns
    -------
    list of Mistake
        One per song.
    """
    wrong = table[table["label"] != table["predicted"]]
    table = table[table["song"].isin(wrong["song"])]
    means = table.groupby("song")[[name for name in table if name.startswith("p_")]].mean()

    def probability(rows: pd.DataFrame, of: str) -> np.ndarray:
        places = means.index.get_indexer(rows["song"]), means.columns.get_indexer("p_" + rows[of])
        return means.to_numpy()[places]

    found = wrong.groupby(list(_TEXT)).size().reset_index(name="times")
    found = found.assign(probability=probability(found, "predicted"), of_label=probability(found, "label"))
    found = found.sort_values(["times", "probability"], ascending=False).drop_duplicates("song")
    found = found.sort_values(["probability", "song"], ascending=[False, True])
    counts, tested = wrong["song"].value_counts(), table["song"].value_counts()
    return [
        Mistake(
            row.song,
            row.label,
            row.predicted,
            float(row.probability),
            float(row.of_label),
            int(counts[row.song]),
            int(tested[row.song]),
        )
        for row in found.itertuples()
    ]
