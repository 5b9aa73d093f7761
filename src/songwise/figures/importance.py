"""Importance of feature families: how far song accuracy falls without the information of each family."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from songwise.figures.canvas import BLUE, GREY, GRID, INK, TEXT_SIZE, TITLE_SIZE, new_axes, save_figure
from songwise.files import read_json, read_rows

_MOST = 25  # bars
_WIDTH, _LETTER = 7.3, 0.085  # inches: width of the figure and of a letter of a name


def draw_importance(importance_csv: Path, study_json: Path, output: Path) -> None:
    """Draw the importance of the best model's feature families.

    Parameters
    ----------
    importance_csv, study_json : Path
        Table and facts that `study_best` wrote.
    output : Path
        PNG to write.
    """
    run = read_json(study_json)["run"]
    save_figure(importance_figure(read_rows(importance_csv), title=f"{run}, songs never heard"), output)


def importance_figure(falls: list[dict], *, title: str) -> Figure:
    """Return bars of the fall in percentage points with 95 % intervals, the largest on top.

    Parameters
    ----------
    falls : list of dict
        Rows of importance.csv, the largest fall first; the first 25 are drawn.
    title : str
        Text above the figure.

    Returns
    -------
    Figure
        One bar per family, with the family's number of columns in brackets.
    """
    shown = falls[:_MOST]
    if not shown:
        return _nothing_to_swap(title)
    names = [f"{row['family']} ({row['columns']})" for row in shown]
    low, fall, high = (100 * np.array([row[name] for row in shown], dtype=float) for name in ("low", "fall", "high"))
    words, right = 0.25 + _LETTER * max(map(len, names)), 0.2
    axes = new_axes(_WIDTH - words - right, 0.27 * len(shown) + 0.15, left=words, right=right, bottom=0.55, top=0.4)
    at = np.arange(len(shown))[::-1]
    axes.barh(at, fall, height=0.62, color=BLUE, alpha=0.75)
    axes.hlines(at, low, high, color=INK, linewidth=1.2)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(at, names, fontsize=TEXT_SIZE, parse_math=False)
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.set_xlabel("fall in song accuracy, percentage points")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    figure = axes.figure
    # Centred above the whole figure, because the axes begin far to the right of its edge.
    height = 1 - 0.25 / figure.get_size_inches()[1]
    figure.text(0.5, height, title, ha="center", va="center", fontsize=TITLE_SIZE, parse_math=False)
    return figure


def _nothing_to_swap(title: str) -> Figure:
    axes = new_axes(_WIDTH - 0.4, 0.6, left=0.2, right=0.2, bottom=0.1, top=0.4)
    axes.set_axis_off()
    axes.set_title(title, fontsize=TITLE_SIZE, parse_math=False)
    text = "A network on frames has no families of features to swap."
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=TEXT_SIZE)
    return axes.figure
