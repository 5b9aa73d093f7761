"""Compare methods that detect songs of unknown classes, on the feature tables and the splits of a finished run.

    python benchmarks/novelty.py open-music mfcccov logmel128 efficientat_mn04+musicnn --root FOLDER

Each preset is a name, or several joined by "+". Every class is left out of training in turn. The table has the mean
area under the ROC curve over classes and folds: held-out songs of the other classes against songs of the class left
out. With `--known 2` only two classes are known, and all others are unknown. With `--foreign DATASET` the songs of
another data set are the unknown ones.
"""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances, roc_auc_score
from sklearn.preprocessing import StandardScaler

from songwise.evaluation.pooling import floored
from songwise.features.matrix import read_features
from songwise.models.pooled_lda import PooledLDA
from songwise.predict.novelty import Novelty
from songwise.splits.table import divide_rounds, first_repeat, read_songs, read_splits

_COMPONENTS = 256
_COMBINATIONS = 8  # of known classes


def main(dataset: str, presets: list[str], *, root: Path, known: int | None, foreign: str | None, n_folds: int) -> None:
    means = {}
    for preset in presets:
        rows, features = _read(root, dataset, preset)
        strangers, others = _read(root, foreign, preset) if foreign else (rows, features)
        strangers = strangers.assign(song="foreign " + strangers["song"]) if foreign else strangers
        areas = []
        for train, test, unknown in _trials(rows, known, strangers if foreign else None, n_folds):
            X, Z = (features.loc[side["clip_id"]].to_numpy(np.float64) for side in (train, test))
            Z = np.concatenate([Z, others.loc[unknown["clip_id"]].to_numpy(np.float64)])
            songs = pd.concat([test["song"], unknown["song"]]).to_numpy(dtype=str)
            is_unknown = np.isin(np.unique(songs), unknown["song"].to_numpy(dtype=str))
            scores = _scores(X, train["song"].to_numpy(dtype=str), train["label"].to_numpy(dtype=str), Z, songs)
            areas.append({method: roc_auc_score(is_unknown, values) for method, values in scores.items()})
        means[preset] = pd.DataFrame(areas).mean()
    table = pd.DataFrame(means)
    print(f"| method | {' | '.join(table.columns)} |\n|---{'|---' * len(table.columns)}|")
    for method, values in table.iterrows():
        print(f"| {method} | {' | '.join(f'{value:.3f}' for value in values)} |")


def _read(root: Path, dataset: str, preset: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    results = root / "results" / dataset
    protocol = pd.read_csv(results / "splits.csv", usecols=["protocol"])["protocol"][0]
    rows = first_repeat(read_splits(results / "splits.csv", protocol))
    tables = []
    for part in preset.split("+"):
        (folder,) = (root / "data/features" / dataset / part).glob("*/")
        tables += sorted(folder.glob("[0-9]*.parquet"))
    return rows.assign(song=rows["track_id"].map(read_songs(results / "tracks.csv"))), read_features(tables)


def _trials(
    rows: pd.DataFrame, known: int | None, foreign: pd.DataFrame | None, n_folds: int
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]]:
    """Yield the clips to train on, those of known songs, and those of unknown songs."""
    labels, rounds = sorted(rows["label"].unique()), divide_rounds(rows)[:n_folds]
    if foreign is not None:
        yield from ((fold.train, fold.test, foreign) for fold in rounds)
    elif known is None:
        for label, fold in itertools.product(labels, rounds):
            train, test = (side[side["label"] != label] for side in (fold.train, fold.test))
            yield train, test, rows[rows["label"] == label]
    else:
        combinations = list(itertools.combinations(labels, known))
        chosen = np.random.default_rng(0).permutation(len(combinations))[:_COMBINATIONS]
        for number, at in enumerate(chosen):
            fold = rounds[number % len(rounds)]
            train, test = (side[side["label"].isin(combinations[at])] for side in (fold.train, fold.test))
            yield train, test, rows[~rows["label"].isin(combinations[at])]


def _scores(
    X: np.ndarray, songs: np.ndarray, y: np.ndarray, Z: np.ndarray, tested: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the score of each tested song by each method; higher is more unlike the training songs."""
    scores = {"songwise": Novelty.fit(X, songs, y, seed=0).scores(Z, tested)}
    varying = X.min(axis=0) != X.max(axis=0)
    scaler = StandardScaler().fit(X[:, varying])
    A, B = scaler.transform(X[:, varying]), scaler.transform(Z[:, varying])
    codes = np.unique(y, return_inverse=True)[1]
    lda = PooledLDA().fit(A, codes)
    pooled = _by_song(np.log(floored(lda.predict_proba(B))), tested)
    probabilities = np.exp(pooled) / np.exp(pooled).sum(axis=1, keepdims=True)
    scores["maximum probability (LDA)"] = -probabilities.max(axis=1)
    pca = PCA(min(_COMPONENTS, len(A) - 1, A.shape[1]), svd_solver="full").fit(A)
    P, Q = pca.transform(A), pca.transform(B)
    means = np.stack([P[codes == code].mean(axis=0) for code in np.unique(codes)])
    within, overall = _whitening(P - means[codes]), _whitening(P)
    to_classes = _by_song(pairwise_distances(Q @ within, means @ within, metric="sqeuclidean"), tested).min(axis=1)
    scores["Mahalanobis"] = to_classes
    scores["relative Mahalanobis"] = (
        to_classes - _by_song(np.square(Q @ overall).sum(axis=1, keepdims=True), tested)[:, 0]
    )
    discriminants = _discriminants(means @ within)
    spaces = {
        "standardised": (A, B),
        "whitened, 64 components": (_whitened(pca, P), _whitened(pca, Q)),
        "within classes": (P @ within, Q @ within),
        "discriminants": (P @ within @ discriminants, Q @ within @ discriminants),
    }
    for name, (reference, new) in spaces.items():
        places, others = _by_song(reference, songs), _by_song(new, tested)
        for metric in ("euclidean", "cosine"):
            distances = np.sort(pairwise_distances(others, places, metric=metric), axis=1)
            for neighbours in (1, 5):
                scores[f"{name}, {metric}, k={neighbours}"] = distances[:, :neighbours].mean(axis=1)
        clips = np.sort(pairwise_distances(new, reference), axis=1)[:, :5].mean(axis=1, keepdims=True)
        scores[f"{name}, clip to clip, k=5"] = _by_song(clips, tested)[:, 0]
    return scores


def _by_song(values: np.ndarray, songs: np.ndarray) -> np.ndarray:
    return pd.DataFrame(values).groupby(songs).mean().to_numpy()


def _whitening(residuals: np.ndarray) -> np.ndarray:
    variances, vectors = np.linalg.eigh(ledoit_wolf(residuals, assume_centered=True)[0])
    return vectors / np.sqrt(variances)


def _whitened(pca: PCA, X: np.ndarray) -> np.ndarray:
    return X[:, :64] / np.sqrt(pca.explained_variance_[:64])


def _discriminants(means: np.ndarray) -> np.ndarray:
    return np.linalg.svd(means - means.mean(axis=0), full_matrices=False)[2][: len(means) - 1].T


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("presets", nargs="+")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1], help="folder of the finished run")
    parser.add_argument("--known", type=int, help="number of classes to train on")
    parser.add_argument("--foreign", metavar="DATASET", help="finished run whose songs are the unknown ones")
    parser.add_argument("--folds", type=int, default=3, dest="n_folds", help="folds of the first repeat")
    main(**vars(parser.parse_args()))
