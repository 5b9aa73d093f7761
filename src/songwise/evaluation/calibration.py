"""Whether a model is right as often as it says: reliability by bins of confidence."""

from pathlib import Path

import numpy as np

from songwise.files import replacing

BINS = 15  # of equal width
_COLOURS = {"song": "#1f6fb2", "clip": "#b4441c"}


def reliability(confidence: np.ndarray, right: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Predictions by the probability of the predicted class.

    Parameters
    ----------
    confidence : shape (rows,), the probability of the predicted class.
    right : bool, shape (rows,).
    votes : shape (rows,).

    Returns
    -------
    Shape (BINS, 3): votes, mean confidence and share that is right of each bin; 0 where a bin is empty. Bins are closed
    above, the first one below as well.
    """
    at = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    total, confident, hits = (np.bincount(at, votes * value, BINS) for value in (1.0, confidence, right))
    filled = np.where(total > 0, total, 1)
    return np.stack([total, confident / filled, hits / filled], axis=1)


def expected_calibration_error(bins: np.ndarray) -> float:
    """Mean distance between confidence and share right over the bins, weighted by their votes (Guo, Pleiss, Sun and
    Weinberger, ICML 2017); `bins` as `reliability` gives them."""
    votes, confident, right = bins.T
    return float(np.average(np.abs(confident - right), weights=votes))


def plot_reliability(path: Path, bins: dict[str, np.ndarray], title: str) -> None:
    """Draw share right against confidence, a dot a bin, its area by the bin's share of the votes (PNG).

    Parameters
    ----------
    path : to write.
    bins : "song" and "clip" to what `reliability` gives.
    title : above the figure.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 4.6))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.13, 0.12, 0.83, 0.79))
    axes.plot([0, 1], [0, 1], color="#9aa5b3", linewidth=1, linestyle="--")
    for level, found in bins.items():
        votes, confident, right = found[found[:, 0] > 0].T
        share = votes / votes.sum()
        name = f"{level}s, calibration error {expected_calibration_error(found):.2f}"
        axes.plot(confident, right, color=_COLOURS[level], linewidth=1, alpha=0.3)
        axes.scatter(confident, right, 8 + 600 * share, _COLOURS[level], alpha=0.8, linewidths=0, label=name)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="probability of the predicted class", ylabel="share right")
    axes.set_title(title, fontsize=10, parse_math=False)
    legend = axes.legend(loc="lower right", fontsize=9, frameon=False)
    for handle in legend.legend_handles:
        handle.set_sizes([40])
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
