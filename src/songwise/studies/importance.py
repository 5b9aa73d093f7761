"""Permutation importance of feature families: the loss of a fitted model when songs swap one family's numbers.

Breiman, Random Forests, Machine Learning 45, 2001, with songs as the units and families in place of single columns.
"""

import re
from collections.abc import Iterator

import numpy as np

from songwise.features.presets import column_names, names_of, parts_of
from songwise.splits.groups import positions_by_group

IMPORTANCE_COLUMNS = ("family", "columns", "fall", "low", "high")
SWAPS = 5  # how often the songs swap each family's numbers
_ENDING = re.compile(r"(_?\d+)?(_(mean|std|var|min|max|median|skew|kurtosis))?$")


def families_of(preset: dict, columns: list[str]) -> dict[str, list[int]]:
    """Return which columns of a feature table belong to each family.

    Parameters
    ----------
    preset : dict
        Resolved. Families of the same name count as one, whatever their frames, parts and prefixes. If the preset has a
        network, its outputs are the families. If it is joined, each of the presets that it joins counts as one family.
    columns : list of str
        Columns of the table. One that two families share belongs to the first. One that no family of the preset gives,
        as in a table from elsewhere, belongs to the family at the beginning of its name: mfcc12_var to mfcc.

    Returns
    -------
    dict of str to list of int
        Family to the positions of its columns.
    """
    family_of: dict[str, str] = {}
    for member, joined in preset.get("join", {}).items():
        family_of |= {f"{member}.{name}": member for name in column_names(joined)}
    for family in [] if "join" in preset else parts_of(preset):
        for name in names_of(family):
            family_of.setdefault(name, family["family"])
    positions: dict[str, list[int]] = {}
    for position, name in enumerate(columns):
        positions.setdefault(family_of.get(name) or _ENDING.sub("", name), []).append(position)
    return positions


def swapped(songs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return for each clip the clip that lends its numbers: all clips of a song borrow from the same other song.

    Clips of a song depend on one another, so only songs can be exchanged. If clips were shuffled one by one, a song
    would get numbers of many songs, whose errors cancel in its verdict. A lender with fewer clips than the borrower
    starts again from its first clip.

    Parameters
    ----------
    songs : ndarray of str, shape (clips,)
        Song of each clip.
    rng : Generator
        Decides which song lends to which.

    Returns
    -------
    ndarray of int, shape (clips,)
        Positions in `songs`.
    """
    clips = positions_by_group(songs)
    rows = np.empty(len(songs), int)
    for borrower, lender in enumerate(rng.permutation(len(clips))):
        rows[clips[borrower]] = np.resize(clips[lender], len(clips[borrower]))
    return rows


def swap_families(
    X: np.ndarray, songs: np.ndarray, families: dict[str, list[int]], rng: np.random.Generator
) -> Iterator[tuple[int, str, np.ndarray]]:
    """Yield features in which the songs swap the numbers of one family, for each swap and family.

    Parameters
    ----------
    X : ndarray of float, shape (clips, columns)
        Features.
    songs : ndarray of str, shape (clips,)
        Song of each clip.
    families : dict of str to list of int
        Family to the positions of its columns.
    rng : Generator
        Decides which song lends to which. All families of a swap have the same lenders.

    Yields
    ------
    tuple of int, str and ndarray of float, shape (clips, columns)
        Number of the swap, family, and changed features.
    """
    for swap in range(SWAPS):
        lenders = swapped(songs, rng)
        for family, columns in families.items():
            changed = X.copy()
            changed[:, columns] = X[np.ix_(lenders, columns)]
            yield swap, family, changed
