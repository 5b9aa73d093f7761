"""Clusters against labels: whether songs of one class are close together in the features.

The songs are clustered without their labels, the clusters are compared with the labels, and each song gets a place on a
map.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import threadpoolctl
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.feature_selection import VarianceThreshold
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from songwise.features.frames import Frames
from songwise.features.matrix import read_features, tables_of
from songwise.files import read_rows, write_json, write_rows
from songwise.splits.table import first_repeat, read_songs, read_splits

CLUSTER_COLUMNS = ("method", "clusters", "noise", "ari", "nmi", "ari_first", "nmi_first", "silhouette")
SONG_CLUSTER_COLUMNS = ("song", "label", "kmeans", "ward", "hdbscan", "x", "y")
_MOST_SONGS = 5000  # the distances between all pairs of more songs would not fit into memory
_COMPONENTS = 50
_PERPLEXITY = 30  # scikit-learn's default
_REDUCE = (np.mean, np.std)
_NOISE = -1  # HDBSCAN's label


def cluster_songs(
    *,
    leaderboard: Path,
    feature_tables: list[Path],
    frames: list[Path],
    splits_csv: Path,
    tracks_csv: Path,
    parts: dict[str, list[str]],
    protocol: str,
    seed: int,
    folder: Path,
) -> None:
    """Cluster the songs by the best model's features, without their labels, and compare with the labels.

    Writes into `folder` clusters.csv (one row for the labels themselves, then one per method), song_clusters.csv (one
    row per song, with its place x and y on the map) and clusters.json: the preset, the numbers of clustered and of all
    songs, the number of principal components and the share of the variance that they keep.

    Parameters
    ----------
    leaderboard : Path
        Table of `evaluate_models`, best model first.
    feature_tables : list of Path
        Feature tables of all presets and shards.
    frames : list of Path
        Frame files of all presets that have any, and of all shards. Used if the best model is a network on frames.
    splits_csv, tracks_csv : Path
        Tables of `make_splits` and `gather`.
    parts : dict of str to list of str
        Per preset the presets that have its tables (`Plan.parts`).
    protocol : str
        The honest one, whose clips are the good ones.
    seed : int
        Seed from config.
    folder : Path
        Folder results/DATASET.
    """
    preset = read_rows(leaderboard)[0]["features"]
    columns = read_features(tables_of(feature_tables, parts[preset]))
    if columns.empty:
        columns = frame_statistics(tables_of(frames, [preset]))
    rows = first_repeat(read_splits(splits_csv, protocol))
    rows = rows.assign(song=rows["track_id"].map(read_songs(tracks_csv)))
    n_songs = rows["song"].nunique()
    if n_songs > _MOST_SONGS:
        chosen = np.random.default_rng(seed).choice(n_songs, _MOST_SONGS, replace=False)
        rows = rows[rows["song"].isin(np.sort(rows["song"].unique())[chosen])]
    vectors, labels = _song_vectors(columns, rows)
    with threadpoolctl.threadpool_limits(1):
        components = PCA(min(_COMPONENTS, len(vectors) - 1, vectors.shape[1]), random_state=seed)
        X = components.fit_transform(vectors.to_numpy())
        clusters = cluster(X, labels.nunique(), seed)
        compared = _compared(clusters, labels, X)
        x, y = np.round(project(X, seed), 3).T
    songs = pd.DataFrame({"song": vectors.index, "label": labels.to_numpy(), **clusters, "x": x, "y": y})
    facts = {
        "features": preset,
        "songs": len(vectors),
        "all_songs": n_songs,
        "components": X.shape[1],
        "variance": round(float(components.explained_variance_ratio_.sum()), 4),
    }
    write_rows(folder / "clusters.csv", CLUSTER_COLUMNS, compared)
    write_rows(folder / "song_clusters.csv", SONG_CLUSTER_COLUMNS, songs.to_dict("records"))
    write_json(folder / "clusters.json", facts)


def frame_statistics(paths: list[Path]) -> pd.DataFrame:
    """Return the mean and the deviation over time of each row of each clip's frames.

    Parameters
    ----------
    paths : list of Path
        Frame files of one preset, of all shards.

    Returns
    -------
    DataFrame of float, shape (clips, columns)
        Indexed by clip_id.
    """
    frames = Frames(*paths)
    statistics = {
        clip_id: np.concatenate([reduce(np.float32(rows), axis=0) for rows in matrices.values() for reduce in _REDUCE])
        for clip_id, matrices in frames.items()
    }
    return pd.DataFrame.from_dict(statistics, orient="index")


def _song_vectors(features: pd.DataFrame, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return the means over each song's clips of the standardised columns that vary, and the label of each song."""
    clips = features.loc[rows["clip_id"]].to_numpy(dtype=np.float64)
    scaled = make_pipeline(VarianceThreshold(), StandardScaler()).fit_transform(clips)
    songs = rows["song"].to_numpy()
    return pd.DataFrame(scaled).groupby(songs).mean(), rows["label"].groupby(songs).first()


def cluster(X: np.ndarray, n_labels: int, seed: int) -> dict[str, np.ndarray]:
    """Cluster songs by k-means and Ward with a given number of clusters, and by HDBSCAN, which chooses its own.

    Parameters
    ----------
    X : ndarray of float, shape (songs, components)
        Features.
    n_labels : int
        Number of clusters of k-means and Ward.
    seed : int
        Seed of k-means.

    Returns
    -------
    dict of str to ndarray of int, shape (songs,)
        Method to the cluster of each song; -1 is HDBSCAN's noise.
    """
    methods = {
        "kmeans": KMeans(n_labels, n_init=10, random_state=seed),
        "ward": AgglomerativeClustering(n_labels, linkage="ward"),
        "hdbscan": HDBSCAN(min_cluster_size=min(5, len(X)), copy=True),
    }
    return {name: method.fit_predict(X) for name, method in methods.items()}


def _compared(clusters: dict[str, np.ndarray], labels: pd.Series, X: np.ndarray) -> list[dict]:
    first = labels.str.partition("/")[0]
    groupings = {"labels": pd.factorize(labels)[0], **clusters}
    return [compare(method, grouping, labels, first, X) for method, grouping in groupings.items()]


def compare(method: str, clusters: np.ndarray, labels: pd.Series, first: pd.Series, X: np.ndarray) -> dict:
    """Compare clusters with the labels by adjusted Rand index, normalised mutual information and silhouette.

    Noise is one more cluster to the first two measures and is left out of the silhouette.

    Parameters
    ----------
    method : str
        Name of the row.
    clusters : ndarray of int, shape (songs,)
        Cluster of each song.
    labels, first : Series of str, shape (songs,)
        Labels, and their parts before the first "/". If both are the same, the columns of `first` stay empty.
    X : ndarray of float, shape (songs, components)
        Features.

    Returns
    -------
    dict
        A row of CLUSTER_COLUMNS, without a silhouette if there are fewer than two clusters or as many as songs.
    """
    noise = clusters == _NOISE
    n_clusters = len(set(clusters[~noise]))
    levels = {"": labels} if labels.equals(first) else {"": labels, "_first": first}
    row: dict = {"method": method, "clusters": n_clusters, "noise": round(float(noise.mean()), 4)}
    for level, names in levels.items():
        row[f"ari{level}"] = round(float(adjusted_rand_score(names, clusters)), 4)
        row[f"nmi{level}"] = round(float(normalized_mutual_info_score(names, clusters)), 4)
    if 2 <= n_clusters < (~noise).sum():
        row["silhouette"] = round(float(silhouette_score(X[~noise], clusters[~noise])), 4)
    return row


def project(X: np.ndarray, seed: int) -> np.ndarray:
    """Project songs onto a plane by t-SNE, initialised with the first two components if there are two.

    Parameters
    ----------
    X : ndarray of float, shape (songs, components)
        Features.
    seed : int
        Seed of t-SNE.

    Returns
    -------
    ndarray of float, shape (songs, 2)
        Coordinates.
    """
    perplexity = min(_PERPLEXITY, (len(X) - 1) / 3)
    return TSNE(init="pca" if X.shape[1] > 1 else "random", perplexity=perplexity, random_state=seed).fit_transform(X)
