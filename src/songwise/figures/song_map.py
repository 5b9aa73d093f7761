"""Map of the songs: one point per song, coloured and marked by its label."""

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from songwise.figures.canvas import TEXT_SIZE, TITLE_SIZE, new_axes, save_figure
from songwise.files import read_json, read_rows

_MARKERS = "os^DvPX<>"
_SIDE, _EDGE, _LETTER = 5.2, 0.15, 0.085  # inches
_LEGEND_LINES = 22  # per column
_MANY = 500  # songs, beyond which points are smaller


def draw_map(songs_csv: Path, clusters_json: Path, output: Path) -> None:
    """Draw the map of the songs.

    Parameters
    ----------
    songs_csv, clusters_json : Path
        Table with the places of the songs and facts that `cluster_songs` wrote.
    output : Path
        PNG to write.
    """
    songs, preset = read_rows(songs_csv), read_json(clusters_json)["features"]
    save_figure(map_figure(songs, title=f"{len(songs)} songs by {preset}, t-SNE"), output)


def map_figure(songs: list[dict], *, title: str) -> Figure:
    """Return the map, with the legend beside it.

    Parameters
    ----------
    songs : list of dict
        Rows of song_clusters.csv.
    title : str
        Text above the figure.

    Returns
    -------
    Figure
        Labels with the same first part are shades of one colour.
    """
    places = np.array([[row["x"], row["y"]] for row in songs], dtype=float)
    labels = np.array([row["label"] for row in songs])
    looks = looks_of(sorted(set(labels.tolist())))
    columns = -(-len(looks) // _LEGEND_LINES)
    legend_width = columns * (0.5 + _LETTER * max(map(len, looks)))
    axes = new_axes(_SIDE, _SIDE, left=_EDGE, right=legend_width + _EDGE, bottom=_EDGE, top=0.4)
    size = 36 if len(labels) <= _MANY else 12
    for label, (colour, marker) in looks.items():
        x, y = places[labels == label].T
        axes.scatter(x, y, s=size, color=[colour], marker=marker, edgecolor="white", linewidth=0.4, label=label)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.04)
    axes.set_title(title, fontsize=TITLE_SIZE, parse_math=False)
    legend = axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=TEXT_SIZE, ncols=columns)
    for text in legend.get_texts():
        text.set_parse_math(False)
    return axes.figure


def looks_of(labels: list[str]) -> dict[str, tuple[tuple[float, float, float], str]]:
    """Return the colour and the marker of each label.

    Parameters
    ----------
    labels : list of str
        Without repetition; the part before the first "/" is the label's family.

    Returns
    -------
    dict of str to tuple
        Label to (red, green, blue), each from 0 to 1, and a marker of matplotlib. Labels of one family have shades of
        one colour.
    """
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
