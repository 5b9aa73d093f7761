"""How often the tracks nearest to a song have its label: precision at k, for songs that no fit has heard.

The axes of the classes know the labels of the tracks they were fitted on. So each song is a query of the fold that
tests it, in a space fitted without it, as a new file is.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from songwise.evaluation.bootstrap import mean_with_interval
from songwise.evaluation.votes import Units, by_vote, vote_draws
from songwise.predict.neighbours import Neighbours
from songwise.splits.table import Round

SIMILAR_COLUMNS = ("space", "distance", "filter", "k", "n_queries", "precision", "low", "high", "chance")
# The first one is that of `songwise similar`; the others show why.
_METHODS = (("sound and classes", "cosine"), ("classes", "cosine"), ("sound", "cosine"), ("features", "euclidean"))
_K = (5, 10)
_MOST_QUERIES = 5000
_TOGETHER = 256  # queries whose distances to all tracks are in memory
_DECIMALS = 4
_DISTANCE_DECIMALS = 9
_FARTHEST = 1 << 34  # for tracks that are left out, above all rounded distances


class _Tracks(NamedTuple):
    """The tracks that are compared, sorted by track_id.

    Attributes
    ----------
    clip_ids : their clips.
    track : the track of each clip, as a position.
    ids : track_id of each track.
    label, vote, artist : codes of each track; the artist is -1 if it is not known.
    song : song of each track.
    """

    clip_ids: np.ndarray
    track: np.ndarray
    ids: np.ndarray
    label: np.ndarray
    vote: np.ndarray
    artist: np.ndarray
    song: np.ndarray


def study_similarity(
    features: pd.DataFrame,
    rounds: Sequence[Round],
    tracks: Mapping[str, Mapping[str, str]],
    units: Units,
    *,
    seed: int,
) -> list[dict]:
    """Return the precision of several methods among the 5 and the 10 nearest tracks.

    Precision is the share of these tracks with the label of the query. The filter "song" leaves out the song of the
    query with all its duplicates. The filter "artist" leaves out its artist too, and all tracks whose artist is not
    known. A query without any other track of its label is not counted.

    Parameters
    ----------
    features : DataFrame of float, shape (clips, columns)
        Indexed by clip_id.
    rounds : sequence of Round
        The honest protocol's first repeat; the tables have the column `song` as well.
    tracks : mapping of str to mapping
        track_id to the row of tracks.csv, of which `artist` is used if it is there.
    units : Units
        Votes and groups of the songs.
    seed : int
        Seed of the fits, of the bootstrap, and of the choice of queries among more than 5,000.

    Returns
    -------
    list of dict
        Rows of SIMILAR_COLUMNS, the method of `songwise similar` first. `n_queries` counts recordings, `low` and `high`
        are the 95 % interval, and `chance` is the precision of random tracks under the same filter. A filter that
        leaves no query has no row.
    """
    found = _read_tracks(rounds[0], tracks, units)
    queries = _choose_queries(rounds, found, seed)
    X = features.loc[found.clip_ids].to_numpy()
    plain = _standardised_means(X, found.track)
    hits: dict[tuple, list[np.ndarray]] = {}
    ids = pd.Index(found.ids)
    for one in rounds:
        # numpy's isin would compare all pairs of names.
        fitted = ids.isin(pd.concat([one.train["track_id"], one.valid["track_id"]]))[found.track]
        tested = np.intersect1d(np.flatnonzero(ids.isin(one.test["track_id"])), queries)
        labels = found.label[found.track[fitted]]
        space = Neighbours.fit(X[fitted], found.track[fitted], labels, seed=seed)
        vectors = _vectors(space, X, found.track, plain)
        for method in _METHODS:
            for key, rows in _hits(vectors[method], tested, found):
                hits.setdefault((*method, *key), []).append(rows)
    rows = []
    for (space_name, distance, by, k), parts in hits.items():
        table = pd.DataFrame(np.concatenate(parts), columns=["track", "precision", "chance"])
        row = {"space": space_name, "distance": distance, "filter": by, "k": k}
        rows += [row | _figures(table, found, units, seed)] if len(table) else []
    order = [method for method, _ in _METHODS]
    return sorted(rows, key=lambda row: (order.index(row["space"]), row["filter"] != "song", row["k"]))


def _read_tracks(one: Round, tracks: Mapping[str, Mapping[str, str]], units: Units) -> _Tracks:
    clips = pd.concat([one.train, one.valid, one.test]).sort_values(["track_id", "clip_id"])
    ids, first, track = np.unique(clips["track_id"].to_numpy(dtype=str), return_index=True, return_inverse=True)
    each = clips.iloc[first]
    artists = [(tracks[track_id].get("artist") or "").strip().casefold() or None for track_id in ids]
    return _Tracks(
        clip_ids=clips["clip_id"].to_numpy(),
        track=track,
        ids=ids,
        label=pd.factorize(each["label"])[0],
        vote=pd.factorize(each["song"].map(units.vote_of))[0],
        artist=pd.factorize(pd.Series(artists, dtype=object))[0],
        song=each["song"].to_numpy(),
    )


def _choose_queries(rounds: Sequence[Round], found: _Tracks, seed: int) -> np.ndarray:
    """Return the positions of the tracks that any round tests, or of a sample of them."""
    tested = np.flatnonzero(pd.Index(found.ids).isin(pd.concat([one.test["track_id"] for one in rounds])))
    if len(tested) <= _MOST_QUERIES:
        return tested
    return np.random.default_rng(seed).choice(tested, _MOST_QUERIES, replace=False)


def _standardised_means(X: np.ndarray, track: np.ndarray) -> np.ndarray:
    """Return the mean of each track's clips, each feature with mean 0 and variance 1 over tracks."""
    order = np.argsort(track, kind="stable")
    starts = np.searchsorted(track[order], np.arange(track.max() + 1))
    means = np.add.reduceat(X[order].astype(np.float64), starts) / np.bincount(track)[:, np.newaxis]
    varies = means.min(axis=0) < means.max(axis=0)
    means = means[:, varies] - means[:, varies].mean(axis=0)
    return means / means.std(axis=0)


def _vectors(space: Neighbours, X: np.ndarray, track: np.ndarray, plain: np.ndarray) -> dict[tuple, np.ndarray]:
    """Return the vectors of all tracks for each method; the nearest has the smallest squared Euclidean distance."""
    both = space.embed_tracks(X, track).astype(np.float64)
    sound, classes = np.split(both, [space.sound.shape[1]], axis=1)
    # All vectors of a part have the same length, so that the order by Euclidean and by cosine distance is the same.
    return dict(zip(_METHODS, (both, classes, sound, plain), strict=True))


def _hits(vectors: np.ndarray, queries: np.ndarray, found: _Tracks) -> Iterator[tuple[tuple[str, int], np.ndarray]]:
    """Yield filter and k with the position, the precision and the chance of each query that has something to find."""
    squares = np.square(vectors).sum(axis=1)
    for start in range(0, len(queries), _TOGETHER):
        chunk = queries[start : start + _TOGETHER]
        far = squares - 2 * vectors[chunk] @ vectors.T
        # Distances that differ by rounding errors alone are equal.
        far = np.round(far / max(squares.max(), np.finfo(float).tiny), _DISTANCE_DECIMALS)
        same = found.label[chunk, np.newaxis] == found.label
        by_song = found.vote[chunk, np.newaxis] != found.vote
        known = (found.artist >= 0) & (found.artist[chunk, np.newaxis] >= 0)
        by_artist = by_song & known & (found.artist[chunk, np.newaxis] != found.artist)
        for name, allowed in (("song", by_song), ("artist", by_artist)):
            usable = (same & allowed).any(axis=1)
            order = _nearest(np.where(allowed, far, np.inf)[usable], max(_K))
            n_allowed = allowed[usable].sum(axis=1)
            chance = (same & allowed)[usable].sum(axis=1) / n_allowed
            near = np.take_along_axis(same[usable], order, axis=1)
            near &= np.take_along_axis(allowed[usable], order, axis=1)
            for k in _K:
                precision = near[:, :k].sum(axis=1) / np.minimum(k, n_allowed)
                yield (name, k), np.column_stack([chunk[usable], precision, chance])


def _nearest(far: np.ndarray, most: int) -> np.ndarray:
    """Return the positions of the smallest distances of each row, in order; of equal ones, the first come first."""
    # Distance and position in one integer: sorting a few of them is faster than a stable sort of all.
    n = far.shape[1]
    scaled = np.where(np.isfinite(far), np.rint(far * 10**_DISTANCE_DECIMALS), _FARTHEST).astype(np.int64)
    keys = scaled * n + np.arange(n)
    few = np.argpartition(keys, min(most, n) - 1, axis=1)[:, :most]
    return np.take_along_axis(few, np.argsort(np.take_along_axis(keys, few, axis=1), axis=1), axis=1)


def _figures(table: pd.DataFrame, found: _Tracks, units: Units, seed: int) -> dict:
    """Return a row's numbers. The tracks of a song, and the songs of a recording, count as one query together."""
    of_song = table.groupby(found.song[table["track"].astype(int)])[["precision", "chance"]].mean()
    of_vote = by_vote(of_song, units).dropna()
    draws = vote_draws(of_song.index, units, seed)
    return (
        {"n_queries": len(of_vote)}
        | mean_with_interval("precision", of_vote["precision"], draws, bounds=("low", "high"))
        | {"chance": round(float(of_vote["chance"].mean()), _DECIMALS)}
    )
