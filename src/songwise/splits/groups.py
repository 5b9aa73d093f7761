"""Which tracks must stay on one side of a split."""

from collections.abc import Iterable, Sequence


def join(tracks: list[dict], duplicates: Iterable[dict] = (), by: Sequence[str] = ("song",)) -> dict[str, str]:
    """Each good track's group: its song, joined with whatever shares one of `by`, or a recording, with it.

    Parameters
    ----------
    tracks : rows of tracks.csv.
    duplicates : rows of duplicates.csv; the two tracks of a row are one recording.
    by : columns whose equal values join, such as ("song", "artist"); an empty value joins nothing.

    Returns
    -------
    track_id to the group's name, which is its first song's in sorted order.
    """
    parent: dict[tuple, tuple] = {}

    def root(node: tuple) -> tuple:
        while parent.setdefault(node, node) != node:
            node = parent[node]
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
