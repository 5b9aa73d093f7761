"""Confusion matrices: shares of each true class, with the number in each cell."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from songwise.figures.canvas import SMALL_SIZE, TITLE_SIZE, new_axes, save_figure
from songwise.files import read_json
from songwise.paths import confusion_picture, confusion_table, metrics_file

_CELL, _LETTER = 0.5, 0.08  # inches: side of a cell, width of a letter of a label


def draw_confusions(results: Path, runs: Iterable[str], *, levels: Iterable[str], truth: str) -> None:
    """Draw the confusion matrices of all models, each beside its table.

    Parameters
    ----------
    results : Path
        Folder results/DATASET, with metrics.json and confusion_LEVEL.csv of each model.
    runs : iterable of str
        Models, each as MODEL@PRESET.
    levels : iterable of str
        What to count: "clip", "song" or both.
    truth : str
        What the labels are, such as "genre".
    """
    levels = list(levels)
    for run in runs:
        metrics = read_json(metrics_file(results, run))
        for level in levels:
            name = f"{level}_accuracy"
            accuracy = f"{metrics[name]:.2f} [{metrics[f'{name}_low']:.2f}, {metrics[f'{name}_high']:.2f}]"
            matrix, labels = _read_matrix(confusion_table(results, run, level))
            figure = confusion_figure(matrix, labels, title=f"{run}, {level}s\naccuracy {accuracy}", truth=truth)
            save_figure(figure, confusion_picture(results, run, level))


def confusion_figure(matrix: np.ndarray, labels: list[str], *, title: str, truth: str) -> Figure:
    """Return the figure of one confusion matrix.

    Parameters
    ----------
    matrix : ndarray of float, shape (labels, labels)
        Votes by true and predicted label.
    labels : list of str
        Names of the rows and columns.
    title : str
        Text above the figure.
    truth : str
        What the labels are.

    Returns
    -------
    Figure
        Colours and numbers are shares of the row; a cell without votes has no number.
    """
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-12)
    side, words = _CELL * len(labels) + 0.5, 0.45 + _LETTER * max(map(len, labels))
    axes = new_axes(side, side, left=words + 0.3, right=0.25, bottom=words + 0.2, top=0.55)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(labels)), labels, parse_math=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel(f"true {truth}")
    axes.set_title(title, fontsize=TITLE_SIZE, parse_math=False)
    for row, column in np.argwhere(matrix > 0):
        value = share[row, column]
        colour = "white" if value > 0.5 else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=SMALL_SIZE)
    return axes.figure


def _read_matrix(path: Path) -> tuple[np.ndarray, list[str]]:
    # By position, not by name: a class may be called "label", as the first column is.
    with path.open(newline="", encoding="utf-8") as stream:
        (_, *labels), *rows = csv.reader(stream)
    return np.array([row[1:] for row in rows], dtype=float), labels
