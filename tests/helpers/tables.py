"""Tables of features and predictions that tests make themselves."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from songwise.evaluation.votes import Units


def songs(n_songs: int = 30, clips: int = 4, columns: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features (clips, columns), classes and groups of clips: features are the sum of a class's and a song's."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(n_songs) % 3, clips)
    groups = np.repeat([f"song-{i:02d}" for i in range(n_songs)], clips)
    own = np.repeat(rng.normal(size=(n_songs, columns)), clips, axis=0)
    return y[:, None] * 0.7 + own + 0.1 * rng.normal(size=(len(y), columns)), y, groups


def rows(path: Path) -> list[dict]:
    """Return the rows of a CSV."""
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def table(hits: dict[str, list[int]], repeats: int = 1) -> pd.DataFrame:
    """Return predictions of two classes, from the clips of each song: 1 is right, 0 is wrong."""
    rows = [
        {"repeat": repeat, "song": song, "label": "a", "predicted": "a" if hit else "b"}
        for repeat in range(repeats)
        for song, clip_hits in hits.items()
        for hit in clip_hits
    ]
    return pd.DataFrame(rows)


def units(group_of: dict[str, str], vote_of: dict[str, str] | None = None) -> Units:
    """Return units in which every song has a vote of its own, unless `vote_of` differs."""
    return Units(vote_of=vote_of or {song: song for song in group_of}, group_of=group_of)
