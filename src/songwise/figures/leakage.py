"""What each protocol would have claimed, drawn: the same models, a dot a protocol."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from songwise.files import read_rows, replacing

_MOST = 20  # models
# Okabe and Ito's colours, which differ to colour-blind eyes too; the honest protocol's is the report's blue.
_STYLES = (
    *(("#1f6fb2", "o"), ("#d55e00", "X"), ("#009e73", "s"), ("#cc79a7", "D")),
    *(("#e69f00", "^"), ("#56b4e9", "v"), ("#555555", "P")),
)
# Inches: margins by hand, since matplotlib's own layout takes longer than the drawing.
_AXIS, _RIGHT, _BOTTOM = 5.0, 0.2, 0.5
_LETTER, _LINE, _LEGEND = 0.068, 0.11, 0.24  # width of a letter; heights of a protocol's bar, of a line of the legend
_COLUMNS = 4  # of the legend
_DOTS = 110  # an inch


def draw_leakage(leakage_csv: Path, protocols: list[str], output: Path) -> None:
    """Clip accuracy of each model under each protocol, with its 95 % interval, on one axis from 0 to 1.

    Parameters
    ----------
    leakage_csv : what `evaluate_models` wrote, best model first; the first 20 are drawn.
    protocols : at most seven, the honest one first.
    output : PNG to write.
    """
    figure = leakage_figure(read_rows(leakage_csv), protocols)
    with replacing(output) as temporary:
        figure.savefig(temporary, dpi=_DOTS, metadata={"Software": None})


def leakage_figure(leakage: list[dict], protocols: list[str]) -> Figure:
    """What `draw_leakage` writes, from the rows of leakage.csv."""
    found: dict[str, dict[str, dict]] = {}
    for row in leakage:
        found.setdefault(f"{row['model']}@{row['features']}", {})[row["protocol"]] = row
    runs = list(found)[:_MOST]
    names = _LETTER * max(map(len, runs)) + 0.2
    inside = len(runs) * (_LINE * len(protocols) + 0.12)
    above = _LEGEND * -(-len(protocols) // _COLUMNS) + 0.08
    width, height = names + _AXIS + _RIGHT, above + inside + _BOTTOM
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((names / width, _BOTTOM / height, _AXIS / width, inside / height))
    step = 0.75 / len(protocols)
    for index, (protocol, (colour, marker)) in enumerate(zip(protocols, _STYLES, strict=False)):
        points, low, high = (
            [float(found[run][protocol][f"clip_accuracy{end}"]) for run in runs] for end in ("", "_low", "_high")
        )
        rows = [number + (index - (len(protocols) - 1) / 2) * step for number in range(len(runs))]
        axes.hlines(rows, low, high, color=colour, linewidth=1.6, alpha=0.6)
        axes.plot(points, rows, marker, color=colour, markersize=5, linestyle="none", label=protocol)
    for number in range(1, len(runs), 2):
        axes.axhspan(number - 0.5, number + 0.5, color="#f4f7fa", zorder=0)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(runs) - 0.5, -0.5)
    axes.set_yticks(range(len(runs)), runs, fontsize=8, parse_math=False)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", color="#d9dee5", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("clip accuracy, with its 95 % interval", fontsize=9)
    # Above the axis, so that it hides nothing wherever the dots are.
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=_COLUMNS, fontsize=8, frameon=False, borderpad=0)
    return figure
