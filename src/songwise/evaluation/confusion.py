"""A model's confusion matrix as a table and as a picture."""

from pathlib import Path

import numpy as np

from songwise.files import replacing, write_rows


def write_confusion(path: Path, matrix: np.ndarray, labels: list[str]) -> None:
    """Write a matrix, shape (labels, labels), as a CSV: label, then a column a predicted label."""
    rounded = [dict(zip(labels, row, strict=True)) for row in np.round(matrix, 3).tolist()]
    write_rows(
        path,
        ["label", *labels],
        [{"label": label, **row} for label, row in zip(labels, rounded, strict=True)],
    )


def plot_confusion(path: Path, matrix: np.ndarray, labels: list[str], *, title: str, truth: str) -> None:
    """Draw a matrix, shape (labels, labels), as shares of its rows (PNG).

    Parameters
    ----------
    path : to write.
    matrix : votes, true by predicted.
    title : above the figure.
    truth : what the labels are, such as "genre".
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-12)
    # Margins by hand, in inches: matplotlib's own layout takes longer than the drawing.
    side, words, head, edge = 0.5 * len(labels) + 0.5, 0.45 + 0.08 * max(map(len, labels)), 0.55, 0.25
    width, height = words + 0.3 + side + edge, words + 0.2 + side + head
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes = figure.add_axes(((words + 0.3) / width, (words + 0.2) / height, side / width, side / height))
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(labels)), labels, parse_math=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel(f"true {truth}")
    axes.set_title(title, fontsize=10, parse_math=False)
    for row, column in np.ndindex(*share.shape):
        if matrix[row, column] > 0:
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, f"{share[row, column]:.2f}", ha="center", va="center", color=colour, fontsize=8)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
