"""Which tracks must stay on the same side of a split."""

from collections.abc import Iterable, Sequence

import numpy as np


def join(tracks: list[dict], duplicates: Iterable[dict] = (), by: Sequence[str] = ("song",)) -> dict[str, str]:
    """Return the group of each good track: all tracks connected by equal columns or the same recording.

    Parameters
    ----------
    tracks : list of dict
        Rows of tracks.csv.
    duplicates : iterable of dict
        Rows of duplicates.csv. The two tracks of a row are the same recording.
    by : sequence of str, default=("song",)
        Columns whose equal values join tracks, such as ("song", "artist"). An empty value joins nothing.

    Returns
    -------
    dict of str to str
        Per track_id the name of its group, which is the alphabetically first of its songs.
    """
    parent: dict[tuple, tuple] = {}

    def root(node: tuple) -> tuple:
        while parent.setdefault(node, node) != node:
            parent[node] = node = parent[parent[node]]  # shortens the way, or a long chain would be walked every time
        return node

    def unite(one: tuple, other: tuple) -> None:
        first, second = sorted((root(one), root(other)))
        parent[second] = first

    good = {row["track_id"]: row for row in tracks if row["status"] == "ok"}
    for track_id, row in good.items():
        for key in (*by, "audio_sha256"):
            if row.get(key):
                unite(("track", track_id), (key, row[key]))
    for pair in duplicates:
        if pair["track_id"] in good and pair["other_track_id"] in good:
            unite(("track", pair["track_id"]), ("track", pair["other_track_id"]))
    first: dict[tuple, str] = {}
    for track_id, row in good.items():
        node = root(("track", track_id))
        first[node] = min(first.get(node, row["song"]), row["song"])
    return {track_id: first[root(("track", track_id))] for track_id in good}


def positions_by_group(groups: np.ndarray) -> list[np.ndarray]:
    """Return the rows of each group.

    Parameters
    ----------
    groups : ndarray, shape (rows,)
        The group of each row.

    Returns
    -------
    list of ndarray of int
        One array of ascending positions per group, in the order of the sorted groups.
    """
    of_row = np.unique(groups, return_inverse=True)[1]
    return np.split(np.argsort(of_row, kind="stable"), np.cumsum(np.bincount(of_row))[:-1])
