"""Time `songwise similar` on 1,000 to 100,000 tracks, and its search beside approximate indexes that are installed.

    python benchmarks/similar.py                        # all sizes: about two minutes and 3 GB of memory
    python benchmarks/similar.py 1000 10000             # some sizes
    pip install hnswlib usearch faiss-cpu               # for the comparison, in an environment of its own

The tracks are invented: ten clips of 518 columns each, in 100 classes of sound. It prints the time to fit and place all
tracks, the time and the size of the stored arrays, and one query's median and 95th percentile with one thread. Recall
is the share of the ten nearest tracks that an index finds.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import threadpoolctl

from songwise.predict.neighbours import Neighbours

_CLIPS, _COLUMNS, _CLASSES, _HIDDEN = 10, 518, 100, 80
_QUERIES, _NEAREST = 300, 10


def main(sizes: list[int]) -> None:
    print("| tracks | method | build s | query ms, median | 95 % | recall |\n|---|---|---|---|---|---|")
    with threadpoolctl.threadpool_limits(1):
        for n_tracks in sizes:
            _measure(n_tracks)


def _measure(n_tracks: int) -> None:
    X, tracks, labels = _invent(n_tracks)
    start = time.perf_counter()
    space = Neighbours.fit(X, tracks, labels, seed=0)
    build = time.perf_counter() - start
    rng = np.random.default_rng(1)
    songs = [X[tracks == track] + rng.normal(size=(_CLIPS, _COLUMNS)) for track in rng.choice(n_tracks, _QUERIES)]
    del X
    start = time.perf_counter()
    queries = [space.embed(song) for song in songs]
    embed = (time.perf_counter() - start) / len(songs) * 1000
    exact = [space.query(query, _NEAREST)[0] for query in queries]
    _print(n_tracks, "songwise", build, lambda query: space.query(query, _NEAREST)[0], queries, exact)
    for name, index in _INDEXES.items():
        if find_spec(name):
            start = time.perf_counter()
            search = index(space.vectors)
            _print(n_tracks, name, time.perf_counter() - start, search, queries, exact)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "neighbours.npz")
        np.savez(file, **space.arrays())
        start = time.perf_counter()
        with np.load(file, allow_pickle=False) as arrays:
            Neighbours.from_arrays(dict(arrays))
        load = (time.perf_counter() - start) * 1000
        size = file.stat().st_size / 2**20
    print(
        f"{n_tracks:,} tracks: file {size:.1f} MiB, read in {load:.0f} ms; {embed:.2f} ms to place a song\n", flush=True
    )


def _invent(n_tracks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    axes = rng.normal(size=(_HIDDEN, _COLUMNS)).astype(np.float32) * np.linspace(1, 0.2, _HIDDEN)[:, np.newaxis]
    labels = rng.integers(_CLASSES, size=n_tracks)
    hidden = 0.7 * rng.normal(size=(_CLASSES, _HIDDEN))[labels] + rng.normal(size=(n_tracks, _HIDDEN))
    X = np.repeat((hidden @ axes).astype(np.float32), _CLIPS, axis=0)
    for start in range(0, len(X), 10_000):
        rows = X[start : start + 10_000]
        rows += 2 * rng.normal(size=rows.shape).astype(np.float32)
    return X, np.repeat(np.arange(n_tracks), _CLIPS), np.repeat(labels, _CLIPS)


def _print(
    n_tracks: int, name: str, build: float, search: Callable, queries: list[np.ndarray], exact: list[np.ndarray]
) -> None:
    times, hits = [], 0
    for query, nearest in zip(queries, exact, strict=True):
        start = time.perf_counter()
        found = search(query)
        times.append((time.perf_counter() - start) * 1000)
        hits += len({int(track) for track in found} & {int(track) for track in nearest})
    median, high = np.quantile(times, [0.5, 0.95])
    recall = hits / (_NEAREST * len(queries))
    print(f"| {n_tracks:,} | {name} | {build:.1f} | {median:.2f} | {high:.2f} | {recall:.3f} |", flush=True)


def _index_hnswlib(vectors: np.ndarray) -> Callable:
    import hnswlib

    index = hnswlib.Index("cosine", vectors.shape[1])
    index.init_index(len(vectors), M=16, ef_construction=200, random_seed=0)
    index.set_num_threads(1)
    index.add_items(vectors)
    index.set_ef(64)
    return lambda query: index.knn_query(query, _NEAREST)[0][0]


def _index_usearch(vectors: np.ndarray) -> Callable:
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="cos", dtype="f32")
    index.add(np.arange(len(vectors)), vectors, threads=1)
    return lambda query: index.search(query, _NEAREST, threads=1).keys


def _index_faiss(vectors: np.ndarray) -> Callable:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efSearch = 64
    index.add(vectors)
    return lambda query: index.search(query[np.newaxis], _NEAREST)[1][0]


_INDEXES = {"hnswlib": _index_hnswlib, "usearch": _index_usearch, "faiss": _index_faiss}


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [1_000, 10_000, 100_000])
