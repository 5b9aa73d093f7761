"""Clusters against labels: what is found in the songs of a data set when nobody says which class they are of.

It asks whether the classes are there in the features to begin with, and draws a map of the songs.
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

from songwise.features.matrix import read_features
from songwise.files import read_rows, replacing, write_json, write_rows
from songwise.splits.table import read_splits

COLUMNS = ("method", "clusters", "noise", "ari", "nmi", "ari_first", "nmi_first", "silhouette")
SONG_COLUMNS = ("song", "label", "kmeans", "ward", "hdbscan", "x", "y")
_MOST_SONGS = 5000  # distances between all pairs of more would not fit
_COMPONENTS = 50
_PERPLEXITY = 30  # scikit-learn's default
_NOISE = -1  # HDBSCAN's
_MARKERS = "os^DvPX<>"


def cluster_songs(
    *,
    leaderboard: Path,
    feature_tables: list[Path],
    splits_csv: Path,
    tracks_csv: Path,
    protocol: str,
    seed: int,
    folder: Path,
) -> None:
    """Cluster the songs by the best model's features, without their labels, and compare with the labels.

    Writes into `folder`: clusters.csv (COLUMNS: a row for the labels themselves, then one a method), song_clusters.csv
    (SONG_COLUMNS; x and y are the map's), map.png and clusters.json: the preset, how many songs of how many, and the
    principal components with the share of variance they keep.

    Parameters
    ----------
    leaderboard : leaderboard.csv, the best model first.
    feature_tables : of all presets and shards, PRESET/KEY/SHARD.parquet.
    splits_csv, tracks_csv : what `make_splits` and `census.gather` wrote.
    protocol : the honest one, whose clips are the good ones.
    seed : from config.
    folder : results/DATASET.
    """
    preset = read_rows(leaderboard)[0]["features"]
    tables = [path for path in feature_tables if path.parts[-3] == preset]
    vectors, labels = _song_vectors(tables, splits_csv, tracks_csv, protocol)
    n_songs = len(vectors)
    if n_songs > _MOST_SONGS:
        chosen = np.sort(np.random.default_rng(seed).choice(n_songs, _MOST_SONGS, replace=False))
        vectors, labels = vectors.iloc[chosen], labels.iloc[chosen]
    with threadpoolctl.threadpool_limits(1):
        components = PCA(min(_COMPONENTS, len(vectors) - 1, vectors.shape[1]), random_state=seed)
        X = components.fit_transform(vectors.to_numpy())
        found = cluster(X, labels.nunique(), seed)
        places = project(X, seed)
        first = labels.str.partition("/")[0]
        rows = [compare("labels", pd.factorize(labels)[0], labels, first, X)]
        rows += [compare(method, clusters, labels, first, X) for method, clusters in found.items()]
    songs = pd.DataFrame({"song": vectors.index, "label": labels.to_numpy(), **found})
    songs = songs.assign(x=np.round(places[:, 0], 3), y=np.round(places[:, 1], 3))
    facts = {
        "features": preset,
        "songs": len(vectors),
        "all_songs": n_songs,
        "components": X.shape[1],
        "variance": round(float(components.explained_variance_ratio_.sum()), 4),
    }
    write_rows(folder / "clusters.csv", COLUMNS, rows)
    write_rows(folder / "song_clusters.csv", SONG_COLUMNS, songs.to_dict("records"))
    write_json(folder / "clusters.json", facts)
    plot_map(folder / "map.png", places, labels.tolist(), f"{len(vectors)} songs by {preset}, t-SNE")


def _song_vectors(
    feature_tables: list[Path], splits_csv: Path, tracks_csv: Path, protocol: str
) -> tuple[pd.DataFrame, pd.Series]:
    """Means over each song's clips of the standardised columns that vary, and the labels; both indexed by song."""
    splits = read_splits(splits_csv, protocol)
    rows = splits[splits["repeat"] == 0]
    song_of = {row["track_id"]: row["song"] for row in read_rows(tracks_csv)}
    songs = rows["track_id"].map(song_of).to_numpy()
    clips = read_features(feature_tables).loc[rows["clip_id"]].to_numpy(dtype=np.float64)
    scaled = make_pipeline(VarianceThreshold(), StandardScaler()).fit_transform(clips)
    return pd.DataFrame(scaled).groupby(songs).mean(), rows["label"].groupby(songs).first()


def cluster(X: np.ndarray, n_labels: int, seed: int) -> dict[str, np.ndarray]:
    """k-means and Ward with as many clusters as there are labels, and HDBSCAN, which finds their number itself.

    Parameters
    ----------
    X : shape (songs, components).
    n_labels : number of clusters.
    seed : of k-means.

    Returns
    -------
    method to int, shape (songs,), the cluster of each; HDBSCAN's -1 is noise.
    """
    methods = {
        "kmeans": KMeans(n_labels, n_init=10, random_state=seed),
        "ward": AgglomerativeClustering(n_labels, linkage="ward"),
        "hdbscan": HDBSCAN(min_cluster_size=min(5, len(X)), copy=True),
    }
    return {name: method.fit_predict(X) for name, method in methods.items()}


def compare(method: str, clusters: np.ndarray, labels: pd.Series, first: pd.Series, X: np.ndarray) -> dict:
    """A row of COLUMNS: adjusted Rand index and normalised mutual information with the labels, and the silhouette.

    Noise is one more cluster to the first two and left out of the silhouette, which is empty where there are fewer than
    two clusters or no cluster of two.

    Parameters
    ----------
    method : the row's name.
    clusters : shape (songs,).
    labels, first : of the songs, whole and up to the first "/"; the columns of `first` are empty where that is all.
    X : shape (songs, components).
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
    """Two coordinates of each song by t-SNE, started from the first two components, if there are; shape (songs, 2).

    Parameters
    ----------
    X : shape (songs, components).
    """
    perplexity = min(_PERPLEXITY, (len(X) - 1) / 3)
    return TSNE(init="pca" if X.shape[1] > 1 else "random", perplexity=perplexity, random_state=seed).fit_transform(X)


def plot_map(path: Path, places: np.ndarray, labels: list[str], title: str) -> None:
    """The songs as points, coloured and marked by label; labels with one first part are shades of one colour.

    Parameters
    ----------
    path : PNG to write.
    places : shape (songs, 2).
    labels : of the songs.
    title : above the figure.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    looks = _looks(sorted(set(labels)))
    # The legend stands outside; margins by hand, in inches, as for confusion matrices.
    side, head, edge = 5.2, 0.4, 0.15
    columns = -(-len(looks) // 22)
    words = columns * (0.5 + 0.085 * max(map(len, looks)))
    width, height = edge + side + words + edge, head + side + edge
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((edge / width, edge / height, side / width, side / height))
    of = np.array(labels)
    size = 36 if len(labels) <= 500 else 12
    for label, (colour, marker) in looks.items():
        x, y = places[of == label].T
        axes.scatter(x, y, s=size, color=[colour], marker=marker, edgecolor="white", linewidth=0.4, label=label)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.04)
    axes.set_title(title, fontsize=10)
    legend = axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9, ncols=columns)
    for text in legend.get_texts():
        text.set_parse_math(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})


def _looks(labels: list[str]) -> dict[str, tuple[tuple[float, float, float], str]]:
    """Colour (red, green, blue) and marker of each label: paths with one first part have shades of its colour."""
    from matplotlib import colormaps

    families: dict[str, list[str]] = {}
    for label in labels:
        families.setdefault(label.partition("/")[0], []).append(label)
    colours = colormaps["tab10"].colors
    looks = {}
    for number, members in enumerate(families.values()):
        base = np.array(colours[number % len(colours)])
        for label, lighter in zip(members, np.linspace(0, 0.55, len(members)), strict=True):
            looks[label] = (tuple(base + lighter * (1 - base)), _MARKERS[len(looks) % len(_MARKERS)])
    return looks
