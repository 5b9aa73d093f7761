"""Permutation importance of feature families: what a fitted model loses when songs swap one family's numbers.

Breiman, Random Forests, Machine Learning 45, 2001, with songs as the units and families in place of single columns.
"""

import re
from pathlib import Path

import numpy as np

from songwise.features.presets import names_of
from songwise.files import replacing

COLUMNS = ("family", "columns", "fall", "low", "high")
_MOST = 25  # bars of a picture
_ENDING = re.compile(r"(_?\d+)?(_(mean|std|var|min|max|median|skew|kurtosis))?$")


def families_of(preset: dict, columns: list[str]) -> dict[str, list[int]]:
    """Which of a feature table's columns belong to each family; one that two families share, to the first.

    Parameters
    ----------
    preset : resolved. Families of one name count as one, whatever their frames, parts and prefixes.
    columns : of the table. One that no family of the preset gives, as in a table from elsewhere, belongs to the family
        that its name begins with: mfcc12_var to mfcc.
    """
    family_of: dict[str, str] = {}
    for family in preset["families"]:
        for name in names_of(family):
            family_of.setdefault(name, family["family"])
    found: dict[str, list[int]] = {}
    for position, name in enumerate(columns):
        found.setdefault(family_of.get(name) or _ENDING.sub("", name), []).append(position)
    return found


def swapped(songs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each clip the clip whose numbers it gets: those of another song, the same one for all clips of a song.

    Clips of a song depend on one another, so songs are what can be exchanged. Shuffled clip by clip, a song would get
    numbers of many songs, whose errors cancel in its verdict. A song with fewer clips than it lends to gives them again
    from the first.

    Parameters
    ----------
    songs : shape (clips,), the song of each.
    rng : decides which song lends to which.

    Returns
    -------
    int, shape (clips,), rows of what `songs` describes.
    """
    _, song = np.unique(songs, return_inverse=True)
    clips = [np.flatnonzero(song == index) for index in range(song.max() + 1)]
    rows = np.empty(len(songs), int)
    for borrower, lender in enumerate(rng.permutation(len(clips))):
        rows[clips[borrower]] = np.resize(clips[lender], len(clips[borrower]))
    return rows


def plot_importance(path: Path, falls: list[dict], title: str) -> None:
    """Bars of the fall in points with their intervals, the largest on top; the 25 largest at most.

    Parameters
    ----------
    path : PNG to write.
    falls : rows of COLUMNS, the largest fall first.
    title : above the figure.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = falls[:_MOST]
    names = [f"{row['family']} ({row['columns']})" for row in shown]
    low, fall, high = (100 * np.array([row[name] for row in shown]) for name in ("low", "fall", "high"))
    # Margins by hand, in inches, as for confusion matrices.
    side, words, head, foot = 0.27 * len(shown) + 0.15, 0.25 + 0.085 * max(map(len, names)), 0.4, 0.55
    width, height = 7.3, head + side + foot
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((words / width, foot / height, (width - words - 0.2) / width, side / height))
    at = np.arange(len(shown))[::-1]
    axes.barh(at, fall, height=0.62, color="#1f6fb2", alpha=0.75)
    axes.hlines(at, low, high, color="#1c2430", linewidth=1.2)
    axes.axvline(0, color="#5d6876", linewidth=0.8)
    axes.set_yticks(at, names, fontsize=9)
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.set_xlabel("fall of song accuracy, points")
    axes.grid(axis="x", color="#d9dee5", linewidth=0.6)
    axes.set_axisbelow(True)
    figure.text(0.5, 1 - 0.25 / height, title, ha="center", va="center", fontsize=10)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
