"""Stage 4, splits: who is tested when, with no song on both sides."""

from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from songwise.files import read_rows, write_rows

COLUMNS = ("protocol", "repeat", "clip_id", "track_id", "label", "group", "fold", "role")


def join_groups(tracks: list[dict]) -> dict[str, str]:
    """Each good track's group: its song, joined with every song that has a track of identical samples.

    Parameters
    ----------
    tracks : rows of tracks.csv.

    Returns
    -------
    track_id to the group's name, which is its first song's in sorted order.
    """
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for row in tracks:
        if row["status"] == "ok":
            one, other = sorted((root(f"song {row['song']}"), root(f"{row['audio_sha256']}")), reverse=True)
            parent[other] = one
    members: dict[str, list[str]] = {}
    for row in tracks:
        if row["status"] == "ok":
            members.setdefault(root(f"song {row['song']}"), []).append(row["song"])
    return {row["track_id"]: min(members[root(f"song {row['song']}")]) for row in tracks if row["status"] == "ok"}


def make_splits(
    *,
    tracks_csv: Path,
    clips_csv: Path,
    output: Path,
    protocols: list[str],
    folds: int,
    repeats: int,
    seed: int,
) -> None:
    """Write splits.csv: for every protocol and repeat, the fold in which each good clip is tested.

    Parameters
    ----------
    tracks_csv, clips_csv : what `census.gather` wrote.
    output : with COLUMNS; role is "test", since in k-fold every clip is tested once a repeat.
    protocols : "by-song" (scikit-learn's StratifiedGroupKFold) or "random-clips" (StratifiedKFold over clips,
        every clip its own group: the field's habit, for the audit only).
    folds, repeats, seed : repeat r shuffles with a seed drawn from (seed, r), the same for all protocols.
    """
    tracks = read_rows(tracks_csv)
    groups = join_groups(tracks)
    labels = {row["track_id"]: row["label"] for row in tracks}
    clips = sorted((row for row in read_rows(clips_csv) if row["status"] == "ok"), key=lambda row: row["clip_id"])
    y = np.array([labels[row["track_id"]] for row in clips])
    rows = []
    for protocol in protocols:
        if protocol == "random-clips":
            group = np.array([row["clip_id"] for row in clips])
        else:
            group = np.array([groups[row["track_id"]] for row in clips])
        for repeat in range(repeats):
            fold = _folds(y, group, protocol, folds, int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0]))
            rows += [
                {
                    "protocol": protocol,
                    "repeat": repeat,
                    "clip_id": clip["clip_id"],
                    "track_id": clip["track_id"],
                    "label": y[index],
                    "group": group[index],
                    "fold": fold[index],
                    "role": "test",
                }
                for index, clip in enumerate(clips)
            ]
    write_rows(output, COLUMNS, rows)


def _folds(y: np.ndarray, group: np.ndarray, protocol: str, folds: int, seed: int) -> np.ndarray:
    if protocol == "random-clips":
        parts = StratifiedKFold(folds, shuffle=True, random_state=seed).split(np.zeros(len(y)), y)
    else:
        parts = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(np.zeros(len(y)), y, group)
    fold = np.full(len(y), -1)
    for index, (_, test) in enumerate(parts):
        fold[test] = index
    return fold
