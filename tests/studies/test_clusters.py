"""Clusters agree with the labels only if songs of different labels are far apart."""

from pathlib import Path

import numpy as np
import pandas as pd

from songwise.files import read_json, write_rows
from songwise.splits.table import SPLIT_COLUMNS
from songwise.studies import clusters


def blobs(folder: Path, *, gap: float, labels: tuple[str, ...] = ("a", "b", "c"), n_songs: int = 60) -> dict:
    """Songs of three clips each; the means of the labels are `gap` apart. One column is constant, one is large."""
    rng = np.random.default_rng(0)
    rows, numbers = [], []
    for index in range(n_songs):
        label = index % len(labels)
        own = gap * np.eye(len(labels), 6)[label] + rng.normal(size=6)
        for clip in range(3):
            clip_id = f"song-{index:02d}@{clip}"
            values = own + 0.3 * rng.normal(size=6)
            columns = {f"c{column}": value for column, value in enumerate(values)}
            numbers.append({"clip_id": clip_id, **columns, "constant": 1.0, "large": 1e6 * rng.normal()})
            rows += [
                {"protocol": "by-song", "repeat": repeat, "clip_id": clip_id, "track_id": f"t{index}",
                 "label": labels[label], "group": f"song-{index:02d}", "fold": index % 5, "role": "test"}
                for repeat in range(2)
            ]  # fmt: skip
    (folder / "planted/key").mkdir(parents=True)
    pd.DataFrame(numbers).to_parquet(folder / "planted/key/0.parquet", index=False)
    write_rows(folder / "splits.csv", SPLIT_COLUMNS, rows)
    tracks = [{"track_id": f"t{index}", "song": f"song-{index:02d}"} for index in range(n_songs)]
    write_rows(folder / "tracks.csv", ["track_id", "song"], tracks)
    write_rows(folder / "leaderboard.csv", ["model", "features"], [{"model": "lda", "features": "planted"}])
    return {
        "leaderboard": folder / "leaderboard.csv",
        "feature_tables": [folder / "other/key/0.parquet", folder / "planted/key/0.parquet"],
        "splits_csv": folder / "splits.csv",
        "tracks_csv": folder / "tracks.csv",
        "frames": [],
        "parts": {"planted": ["planted"]},
        "protocol": "by-song",
        "seed": 0,
        "folder": folder / "out",
    }


def test_three_separated_blobs_are_found(tmp_path):
    clusters.cluster_songs(**blobs(tmp_path, gap=30))
    found = pd.read_csv(tmp_path / "out/clusters.csv").set_index("method")
    assert list(found.index) == ["labels", "kmeans", "ward", "hdbscan"]
    assert (found["clusters"] == 3).all() and (found["noise"] < 0.1).all()
    assert (found.loc[["labels", "kmeans", "ward"], ["ari", "nmi"]] == 1).all(axis=None)
    assert found.loc["hdbscan", "ari"] > 0.9
    assert found.loc["kmeans", "silhouette"] == found.loc["labels", "silhouette"] > 0.3
    assert found["ari_first"].isna().all()
    songs = pd.read_csv(tmp_path / "out/song_clusters.csv")
    assert list(songs.columns) == list(clusters.SONG_CLUSTER_COLUMNS) and len(songs) == 60
    assert songs["song"].is_unique and songs.groupby("kmeans")["label"].nunique().eq(1).all()
    # On the map a song's nearest neighbour has its label.
    places = songs[["x", "y"]].to_numpy()
    far = np.linalg.norm(places[:, None] - places[None], axis=2) + 1e9 * np.eye(60)
    assert (songs["label"].to_numpy()[far.argmin(axis=1)] == songs["label"]).all()
    assert read_json(tmp_path / "out/clusters.json")["components"] == 7  # the constant column is none


def test_meaningless_labels_do_not_agree_with_clusters(tmp_path):
    clusters.cluster_songs(**blobs(tmp_path, gap=0))
    found = pd.read_csv(tmp_path / "out/clusters.csv").set_index("method")
    assert found.loc[["kmeans", "ward", "hdbscan"], "ari"].abs().max() < 0.1
    assert found.loc["labels", "silhouette"] < 0.05


def test_labels_with_a_path_are_compared_at_their_first_level_too(tmp_path):
    """k-means finds the four leaves; of two first levels it gets the songs together, but not the number of clusters."""
    data = blobs(tmp_path, gap=30, labels=("rock/punk", "rock/metal", "jazz/swing", "jazz/bop"))
    clusters.cluster_songs(**data)
    row = pd.read_csv(tmp_path / "out/clusters.csv").set_index("method").loc["kmeans"]
    assert row["ari"] == 1 and 0.3 < row["ari_first"] < 0.7


def test_the_same_seed_gives_the_same_files(tmp_path):
    data = blobs(tmp_path, gap=3)
    names = ["clusters.csv", "clusters.json", "song_clusters.csv"]
    for folder in ("one", "other"):
        clusters.cluster_songs(**data | {"folder": tmp_path / folder})
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == names
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes() for name in names)


def test_a_seeded_sample_replaces_very_many_songs(tmp_path, monkeypatch):
    monkeypatch.setattr(clusters, "_MOST_SONGS", 40)
    clusters.cluster_songs(**blobs(tmp_path, gap=30))
    assert len(pd.read_csv(tmp_path / "out/song_clusters.csv")) == 40
    facts = read_json(tmp_path / "out/clusters.json")
    assert (facts["songs"], facts["all_songs"]) == (40, 60)


def test_noise_alone_has_no_silhouette():
    labels = pd.Series(["a", "b", "a", "b"])
    row = clusters.compare("hdbscan", np.full(4, -1), labels, labels, np.zeros((4, 2)))
    assert row == {"method": "hdbscan", "clusters": 0, "noise": 1.0, "ari": 0.0, "nmi": 0.0}
