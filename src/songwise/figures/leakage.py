"""Leakage: the accuracy of each model under each protocol, on one axis."""

from pathlib import Path

from matplotlib.figure import Figure

from songwise.figures.canvas import BLUE, GRID, SMALL_SIZE, STRIPE, TEXT_SIZE, new_axes, save_figure
from songwise.files import read_rows
from songwise.paths import run_of

_MOST = 20  # models
# The palette of Okabe and Ito (Color Universal Design, 2008), which colour-blind readers can distinguish as well; the
# honest protocol has the report's blue.
_STYLES = (
    *((BLUE, "o"), ("#d55e00", "X"), ("#009e73", "s"), ("#cc79a7", "D")),
    *(("#e69f00", "^"), ("#56b4e9", "v"), ("#555555", "P")),
)
_LETTER, _BAR, _LEGEND_LINE = 0.068, 0.11, 0.24  # inches: width of a letter, heights of a bar and of a legend's line
_COLUMNS = 4  # of the legend


def draw_leakage(leakage_csv: Path, protocols: list[str], output: Path) -> None:
    """Draw the clip accuracy of each model under each protocol, with its 95 % interval.

    Parameters
    ----------
    leakage_csv : Path
        Table of `evaluate_models`, best model first; the first 20 models are drawn.
    protocols : list of str
        At most seven, the honest one first.
    output : Path
        PNG to write.
    """
    save_figure(leakage_figure(read_rows(leakage_csv), protocols), output)


def leakage_figure(leakage: list[dict], protocols: list[str]) -> Figure:
    """Return the figure that `draw_leakage` writes.

    Parameters
    ----------
    leakage : list of dict
        Rows of leakage.csv.
    protocols : list of str
        At most seven, the honest one first.

    Returns
    -------
    Figure
        One row per model, one dot with its interval per protocol.
    """
    figures: dict[str, dict[str, dict]] = {}
    for row in leakage:
        figures.setdefault(str(run_of(row)), {})[row["protocol"]] = row
    runs = list(figures)[:_MOST]
    # The legend is above the axes, so that it never hides a dot.
    above = _LEGEND_LINE * -(-len(protocols) // _COLUMNS) + 0.08
    inside, names = len(runs) * (_BAR * len(protocols) + 0.12), _LETTER * max(map(len, runs)) + 0.2
    axes = new_axes(5.0, inside, left=names, right=0.2, bottom=0.5, top=above)
    step = 0.75 / len(protocols)
    for index, (protocol, (colour, marker)) in enumerate(zip(protocols, _STYLES, strict=False)):
        points, low, high = (
            [float(figures[run][protocol][f"clip_accuracy{end}"]) for run in runs] for end in ("", "_low", "_high")
        )
        rows = [number + (index - (len(protocols) - 1) / 2) * step for number in range(len(runs))]
        axes.hlines(rows, low, high, color=colour, linewidth=1.6, alpha=0.6)
        axes.plot(points, rows, marker, color=colour, markersize=5, linestyle="none", label=protocol)
    for number in range(1, len(runs), 2):
        axes.axhspan(number - 0.5, number + 0.5, color=STRIPE, zorder=0)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(runs) - 0.5, -0.5)
    axes.set_yticks(range(len(runs)), runs, fontsize=SMALL_SIZE, parse_math=False)
    axes.tick_params(axis="x", labelsize=SMALL_SIZE)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("clip accuracy, with its 95 % interval", fontsize=TEXT_SIZE)
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=_COLUMNS, fontsize=SMALL_SIZE, frameon=False, borderpad=0
    )
    return axes.figure
