"""Tracks that are the same recording: identical samples, or fingerprints that agree at some offset.

The time to compare every pair of tracks would grow with the square of their number. Instead, an index finds
candidates: tracks that share some values of their fingerprints. Only candidates are compared. The shared values vote
for an offset, and the bits of the overlap there decide (Haitsma and Kalker, "A highly robust audio fingerprinting
system", ISMIR 2002).
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from songwise.audio.fingerprint import HOP_SECONDS
from songwise.clips.fingerprints import Fingerprints

DUPLICATE_COLUMNS = ("track_id", "other_track_id", "similarity", "same_label", "offset", "overlap")

# Chosen on open-music and the demo sets by benchmarks/duplicates.py; docs/evaluation.md has the figures.
_SIMILAR = 0.80  # share of equal bits from which two tracks are the same recording; unrelated music is near .5
_LEAST_ITEMS = 16  # that overlap and are compared; 4.6 s of music
_ENOUGH_ITEMS = 65  # that are enough for tracks of any length; 10.6 s of music
_LEAST_SHARE = 0.8  # of a track that is too short for these
_SHARED_VALUES = 3  # that make two tracks candidates, and
_SHARED_PART = 0.02  # of the distinct values of the shorter one
_NEIGHBOURS = 8  # tracks with the same value are paired if they are this near in order: common values prove little
_TOGETHER = 1 << 25  # shared values that are counted at a time, about, to limit memory
_TRIED = 3  # offsets that are compared bit by bit, each with its two neighbours
_HALF = np.uint64(32)  # bits: a value or a track in one half of an integer, a track in the other


def find_duplicates(tracks: list[dict], prints: Fingerprints) -> list[dict]:
    """Find pairs of good tracks that are the same recording.

    If many tracks are the same recording, some of their pairs may be missing: `groups.join` makes A, B and C one group
    from the pairs A, B and B, C.

    Parameters
    ----------
    tracks : list of dict
        Rows of tracks.csv.
    prints : Fingerprints
        Fingerprints of the good tracks.

    Returns
    -------
    list of dict
        One row per pair, with DUPLICATE_COLUMNS, in the order of track ids.
    """
    good = {row["track_id"]: row for row in tracks if row["status"] == "ok"}
    facts = {}
    for pair in _identical(good):
        facts[pair] = {"similarity": "1", "offset": "0.00", "overlap": f"{float(good[pair[0]]['seconds'] or 0):.2f}"}
    for pair, similarity, offset, overlap in similar_pairs(prints):
        # Only identical samples have the similarity 1.
        near = {"similarity": f"{min(similarity, 0.999):.3f}", "offset": f"{offset:.2f}", "overlap": f"{overlap:.2f}"}
        facts.setdefault(pair, near)
    return [
        {
            "track_id": one,
            "other_track_id": other,
            "same_label": str(good[one]["label"] == good[other]["label"]).lower(),
        }
        | facts[one, other]
        for one, other in sorted(facts)
    ]


def _identical(good: dict[str, dict]) -> Iterator[tuple[str, str]]:
    same = defaultdict(list)
    for track_id, row in good.items():
        same[row["audio_sha256"]].append(track_id)
    for names in same.values():
        yield from combinations(sorted(names), 2)


def similar_pairs(prints: Fingerprints) -> Iterator[tuple[tuple[str, str], float, float, float]]:
    """Find pairs of tracks whose fingerprints agree.

    Parameters
    ----------
    prints : Fingerprints
        Fingerprints of all tracks.

    Yields
    ------
    pair : tuple of str
        Two track ids in sorted order.
    similarity : float
        Share of equal bits over the overlap.
    offset : float
        Seconds of the first track's music before the second starts.
    overlap : float
        Seconds for which both play.
    """
    for one, other in candidates(prints):
        a, b = (prints.items[prints.starts[track] : prints.starts[track + 1]] for track in (one, other))
        similarity, offset, overlap = compare(a, b)
        if similarity >= _SIMILAR:
            pair = prints.track_ids[one], prints.track_ids[other]
            yield pair, similarity, offset * HOP_SECONDS, overlap * HOP_SECONDS


def candidates(prints: Fingerprints) -> np.ndarray:
    """Find pairs of tracks that share values.

    Parameters
    ----------
    prints : Fingerprints
        Fingerprints of all tracks.

    Returns
    -------
    ndarray of int64, shape (pairs, 2)
        Indices into the tracks, the lower one first.
    """
    entries = _index(prints)
    value, track = _upper(entries), _lower(entries)
    del entries
    n_tracks = len(prints.track_ids)
    distinct = np.bincount(track, minlength=n_tracks)
    shared = [np.flatnonzero(value[:-apart] == value[apart:]) for apart in range(1, _NEIGHBOURS + 1)]
    del value
    together = max(1, n_tracks * _TOGETHER // max(sum(map(len, shared)), 1))
    blocks = [np.empty((0, 2), np.int64)]
    for block in range(0, n_tracks, together):
        pairs = []
        for apart, at in enumerate(shared, start=1):
            first = track[at]
            own = at[(first >= block) & (first < block + together)]
            pairs.append(track[own].astype(np.uint64) << _HALF | track[own + apart])
        pair, votes = np.unique(np.concatenate(pairs), return_counts=True)
        pair, votes = pair[votes >= _SHARED_VALUES], votes[votes >= _SHARED_VALUES]
        both = np.stack([_upper(pair), _lower(pair)], axis=1).astype(np.int64)
        blocks.append(both[votes >= _SHARED_PART * distinct[both].min(axis=1)])
    return np.concatenate(blocks)


def _index(prints: Fingerprints) -> np.ndarray:
    # Value and track in one integer, each combination once, in the order of values and then of tracks.
    entries = prints.items.astype(np.uint64)
    entries <<= _HALF
    entries |= np.repeat(np.arange(len(prints.track_ids), dtype=np.uint32), np.diff(prints.starts))
    entries.sort()
    return entries[_changes(entries)]


def _upper(entries: np.ndarray) -> np.ndarray:
    return (entries >> _HALF).astype(np.uint32)


def _lower(entries: np.ndarray) -> np.ndarray:
    return entries.astype(np.uint32)


def _changes(items: np.ndarray) -> np.ndarray:
    """Return whether each item differs from the one before it; the first one does."""
    return np.concatenate([np.ones(min(len(items), 1), bool), items[1:] != items[:-1]])


def compare(a: np.ndarray, b: np.ndarray) -> tuple[float, int, int]:
    """Compare two fingerprints at the offset at which they agree best.

    Items that repeat the one before in both fingerprints are ignored, because silence equals silence in any music.

    Parameters
    ----------
    a : ndarray of uint32, shape (m,)
        Items of the first track.
    b : ndarray of uint32, shape (n,)
        Items of the second track.

    Returns
    -------
    similarity : float
        Share of equal bits over the overlap; 0 if too little overlaps.
    offset : int
        Item of `a` at which `b` starts.
    overlap : int
        Number of items that overlap.
    """
    changes_a, changes_b = _changes(a), _changes(b)
    least = max(_LEAST_ITEMS, min(_ENOUGH_ITEMS, _LEAST_SHARE * min(len(a), len(b))))
    best = (0.0, 0, 0)
    for offset in _offsets(a, b, changes_a, changes_b):
        start, stop = max(offset, 0), min(len(a), offset + len(b))
        if stop - start < least:
            continue
        ours, theirs = slice(start, stop), slice(start - offset, stop - offset)
        changing = changes_a[ours] | changes_b[theirs]
        if np.count_nonzero(changing) < least:
            continue
        similarity = 1 - float(np.bitwise_count(a[ours] ^ b[theirs])[changing].mean()) / 32
        best = max(best, (similarity, int(offset), int(stop - start)), key=lambda result: result[0])
    return best


def _offsets(a: np.ndarray, b: np.ndarray, changes_a: np.ndarray, changes_b: np.ndarray) -> np.ndarray:
    # The offsets with the most votes of equal values, each with its two neighbours.
    at_a, at_b = np.flatnonzero(changes_a), np.flatnonzero(changes_b)
    at_b = at_b[np.argsort(b[at_b], kind="stable")]
    left, right = (np.searchsorted(b[at_b], a[at_a], side) for side in ("left", "right"))
    count = right - left
    nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    voted = np.repeat(at_a, count) - at_b[np.repeat(left, count) + nth]
    if not len(voted):
        return voted
    lowest = voted.min() - 1
    # If two copies are half an item apart, some items agree with the item before and some with the item after.
    votes = np.convolve(np.bincount(voted - lowest, minlength=3), np.ones(3), "same")
    likely = np.argsort(-votes, kind="stable")[:_TRIED] + lowest
    return np.unique(likely[:, None] + np.arange(-1, 2))
