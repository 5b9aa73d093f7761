"""Which tracks are one recording: identical samples, or fingerprints that agree at some offset.

Comparing every track with every other would take the square of their number. An index is asked instead: tracks that
share some values of their fingerprints are candidates, and only those are laid over one another. The shared values vote
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
_SIMILAR = 0.80  # share of equal bits from which two tracks are one recording; unrelated music is near .5
_LEAST_ITEMS = 16  # that overlap, and are compared; 4.6 s of music
_ENOUGH_ITEMS = 65  # that suffice however long the tracks are; 10.6 s of music
_LEAST_SHARE = 0.8  # of a track too short for these
_SHARED_VALUES = 3  # that make two tracks candidates, and
_SHARED_PART = 0.02  # of the distinct values of the shorter one
_NEIGHBOURS = 8  # of the tracks with one value, those so near in the order are paired: common values tell little
_BLOCK = 1024  # tracks whose candidates are counted at a time, to bound memory
_TRIED = 3  # offsets that are compared bit by bit, with the two beside each
_HALF = np.uint64(32)  # bits: a value or a track in one half of an integer, a track in the other


def find_duplicates(tracks: list[dict], prints: Fingerprints) -> list[dict]:
    """Pairs of good tracks that are one recording, as rows with DUPLICATE_COLUMNS in the order of their track ids.

    Where many tracks are one recording, not every pair of them need be listed: `groups.join` makes A, B and C one group
    of the pairs A, B and B, C.

    Parameters
    ----------
    tracks : rows of tracks.csv.
    prints : of the good ones.
    """
    good = {row["track_id"]: row for row in tracks if row["status"] == "ok"}
    found = {}
    for pair in _identical(good):
        found[pair] = {"similarity": "1", "offset": "0.00", "overlap": f"{float(good[pair[0]]['seconds'] or 0):.2f}"}
    for pair, similarity, offset, overlap in similar_pairs(prints):
        # Only identical samples are 1.
        near = {"similarity": f"{min(similarity, 0.999):.3f}", "offset": f"{offset:.2f}", "overlap": f"{overlap:.2f}"}
        found.setdefault(pair, near)
    return [
        {
            "track_id": one,
            "other_track_id": other,
            "same_label": str(good[one]["label"] == good[other]["label"]).lower(),
        }
        | found[one, other]
        for one, other in sorted(found)
    ]


def _identical(good: dict[str, dict]) -> Iterator[tuple[str, str]]:
    same = defaultdict(list)
    for track_id, row in good.items():
        same[row["audio_sha256"]].append(track_id)
    for names in same.values():
        yield from combinations(sorted(names), 2)


def similar_pairs(prints: Fingerprints) -> Iterator[tuple[tuple[str, str], float, float, float]]:
    """Pairs of tracks whose fingerprints agree.

    Yields
    ------
    Two track ids in sorted order; the share of equal bits over the overlap; how many seconds later, in the music, the
    other starts; and how long they overlap, in seconds.
    """
    for one, other in candidates(prints):
        a, b = (prints.items[prints.starts[track] : prints.starts[track + 1]] for track in (one, other))
        similarity, offset, overlap = compare(a, b)
        if similarity >= _SIMILAR:
            pair = prints.track_ids[one], prints.track_ids[other]
            yield pair, similarity, offset * HOP_SECONDS, overlap * HOP_SECONDS


def candidates(prints: Fingerprints) -> np.ndarray:
    """Pairs of tracks that share values: indices into the tracks, shape (pairs, 2), the lower one first."""
    entries = _index(prints)
    value, track = _upper(entries), _lower(entries)
    del entries
    distinct = np.bincount(track, minlength=len(prints.track_ids))
    found = [np.empty((0, 2), np.int64)]
    for block in range(0, len(prints.track_ids), _BLOCK):
        pairs = []
        for apart in range(1, _NEIGHBOURS + 1):
            first, second = track[:-apart], track[apart:]
            shared = np.flatnonzero((value[:-apart] == value[apart:]) & (first >= block) & (first < block + _BLOCK))
            pairs.append(first[shared].astype(np.uint64) << _HALF | second[shared])
        pair, votes = np.unique(np.concatenate(pairs), return_counts=True)
        pair, votes = pair[votes >= _SHARED_VALUES], votes[votes >= _SHARED_VALUES]
        both = np.stack([_upper(pair), _lower(pair)], axis=1).astype(np.int64)
        found.append(both[votes >= _SHARED_PART * distinct[both].min(axis=1)])
    return np.concatenate(found)


def _index(prints: Fingerprints) -> np.ndarray:
    # Which track has which value, once each, in the order of values and then of tracks; both in one integer.
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
    """Where an item differs from the one before it; the first does."""
    return np.concatenate([np.ones(min(len(items), 1), bool), items[1:] != items[:-1]])


def compare(a: np.ndarray, b: np.ndarray) -> tuple[float, int, int]:
    """Lay two fingerprints over one another where they agree best.

    Items that repeat the one before in both count for nothing: silence equals silence in any music.

    Parameters
    ----------
    a, b : items, uint32, shapes (m,) and (n,).

    Returns
    -------
    The share of equal bits over the overlap, 0 where too little overlaps; the item of `a` at which `b` starts; and the
    number of items that overlap.
    """
    changes_a, changes_b = _changes(a), _changes(b)
    least = max(_LEAST_ITEMS, min(_ENOUGH_ITEMS, _LEAST_SHARE * min(len(a), len(b))))
    best = (0.0, 0, 0)
    for offset in _offsets(a, b, changes_a, changes_b):
        start, stop = max(offset, 0), min(len(a), offset + len(b))
        if stop - start < least:
            continue
        ours, theirs = slice(start, stop), slice(start - offset, stop - offset)
        telling = changes_a[ours] | changes_b[theirs]
        if np.count_nonzero(telling) < least:
            continue
        similarity = 1 - float(np.bitwise_count(a[ours] ^ b[theirs])[telling].mean()) / 32
        best = max(best, (similarity, int(offset), int(stop - start)), key=lambda found: found[0])
    return best


def _offsets(a: np.ndarray, b: np.ndarray, changes_a: np.ndarray, changes_b: np.ndarray) -> np.ndarray:
    # The likeliest offsets by the votes of equal values, each with those beside it.
    at_a, at_b = np.flatnonzero(changes_a), np.flatnonzero(changes_b)
    at_b = at_b[np.argsort(b[at_b], kind="stable")]
    left, right = (np.searchsorted(b[at_b], a[at_a], side) for side in ("left", "right"))
    count = right - left
    nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    voted = np.repeat(at_a, count) - at_b[np.repeat(left, count) + nth]
    if not len(voted):
        return voted
    lowest = voted.min() - 1
    # Of two copies that lie half an item apart, some items agree with the one before and some with the one after.
    votes = np.convolve(np.bincount(voted - lowest, minlength=3), np.ones(3), "same")
    likely = np.argsort(-votes, kind="stable")[:_TRIED] + lowest
    return np.unique(likely[:, None] + np.arange(-1, 2))
