"""Reliability diagram of the best model: how often it is right, by the probability that it gives its prediction."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from songwise.figures.canvas import BLUE, LIGHT_GREY, RED, TEXT_SIZE, TITLE_SIZE, new_axes, save_figure
from songwise.files import read_json, read_rows
from songwise.paths import metrics_file, run_of

_COLOURS = {"song": BLUE, "clip": RED}
_SMALLEST, _LARGEST = 8, 608  # areas of dots in points squared, for a share of 0 and of 1 of the votes


def draw_calibration(results: Path, output: Path) -> None:
    """Draw the reliability diagram of the best model's clips and songs.

    Parameters
    ----------
    results : Path
        Folder results/DATASET, with calibration.csv and the best model's metrics.json.
    output : Path
        PNG to write.
    """
    bins = read_rows(results / "calibration.csv")
    run = run_of(bins[0])
    save_figure(calibration_figure(bins, read_json(metrics_file(results, run)), title=str(run)), output)


def calibration_figure(bins: list[dict], metrics: dict, *, title: str) -> Figure:
    """Return the reliability diagram: one dot per bin, its area proportional to the bin's share of the votes.

    Parameters
    ----------
    bins : list of dict
        Rows of calibration.csv, which has no row for an empty bin.
    metrics : dict
        The model's metrics, with the calibration errors song_ece and clip_ece.
    title : str
        Text above the figure.

    Returns
    -------
    Figure
        The axes are probabilities; on the dashed line a model is as often right as it is confident.
    """
    axes = new_axes(3.82, 3.63, left=0.6, right=0.18, bottom=0.55, top=0.42)
    axes.plot([0, 1], [0, 1], color=LIGHT_GREY, linewidth=1, linestyle="--")
    for level in dict.fromkeys(row["level"] for row in bins):
        rows = [row for row in bins if row["level"] == level]
        votes, confidence, right = (np.array([row[n] for row in rows], float) for n in ("votes", "confidence", "right"))
        area = _SMALLEST + (_LARGEST - _SMALLEST) * votes / votes.sum()
        name = f"{level}s, calibration error {metrics[f'{level}_ece']:.2f}"
        axes.plot(confidence, right, color=_COLOURS[level], linewidth=1, alpha=0.3)
        axes.scatter(confidence, right, area, _COLOURS[level], alpha=0.8, linewidths=0, label=name)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="probability of the predicted class", ylabel="share right")
    axes.set_title(title, fontsize=TITLE_SIZE, parse_math=False)
    legend = axes.legend(loc="lower right", fontsize=TEXT_SIZE, frameon=False)
    for handle in legend.legend_handles:
        handle.set_sizes([40])
    return axes.figure
