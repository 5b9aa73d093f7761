"""Learning curve: song accuracy against the number of training songs."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from songwise.figures.canvas import BLUE, GRID, TEXT_SIZE, TITLE_SIZE, new_axes, save_figure
from songwise.files import read_json, read_rows


def draw_learning_curve(curve_csv: Path, study_json: Path, output: Path) -> None:
    """Draw the learning curve of the best model.

    Parameters
    ----------
    curve_csv, study_json : Path
        Table and facts that `study_best` wrote.
    output : Path
        PNG to write.
    """
    run = read_json(study_json)["run"]
    save_figure(learning_curve_figure(read_rows(curve_csv), title=f"{run}, songs never heard"), output)


def learning_curve_figure(curve: list[dict], *, title: str) -> Figure:
    """Return the learning curve, with 95 % intervals and a logarithmic axis of training songs.

    Parameters
    ----------
    curve : list of dict
        Rows of learning_curve.csv, the fewest songs first.
    title : str
        Text above the figure.

    Returns
    -------
    Figure
        One dot per step.
    """
    at, low, point, high = (
        np.array([row[name] for row in curve], dtype=float)
        for name in ("n_train_songs", "low", "song_accuracy", "high")
    )
    axes = new_axes(6.42, 2.48, left=0.66, right=0.22, bottom=0.72, top=0.4)
    axes.set_xscale("log")
    axes.fill_between(at, low, high, color=BLUE, alpha=0.15, linewidth=0)
    axes.vlines(at, low, high, color=BLUE, alpha=0.55)
    axes.plot(at, point, color=BLUE, marker="o")
    for x, y in zip(at, point, strict=True):
        axes.annotate(f"{y:.2f}", (x, y), textcoords="offset points", xytext=(5, 6), fontsize=TEXT_SIZE)
    most = [*(f"≤ {row['songs_per_class']}" for row in curve[:-1]), "all"]
    axes.set_xticks(at, [f"{x:.0f}\n{words}" for x, words in zip(at, most, strict=True)], fontsize=TEXT_SIZE)
    axes.minorticks_off()
    axes.set_xlim(at[0] / 1.15, at[-1] * 1.25)
    axes.set_ylim(0, 1)
    axes.set_xlabel("training songs per fold, and the most songs per class")
    axes.set_ylabel("song accuracy")
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_title(title, fontsize=TITLE_SIZE, parse_math=False)
    return axes.figure
