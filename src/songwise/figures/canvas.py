"""The canvas of all figures: sizes in inches, one palette, three sizes of text, one way to save."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from songwise.files import replacing

# The colours of the report's page.
BLUE, RED = "#1f6fb2", "#b4441c"
INK, GREY, LIGHT_GREY = "#1c2430", "#5d6876", "#9aa5b3"
GRID, STRIPE = "#d9dee5", "#f4f7fa"

TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 10, 9, 8  # points

_DOTS_PER_INCH = 110


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure.

    Parameters
    ----------
    width, height : float
        Size in inches.

    Returns
    -------
    Figure
        Without a window, for `save_figure`.
    """
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def add_panel(figure: Figure, *, left: float, bottom: float, width: float, height: float, **options) -> Axes:
    """Add axes at a place in inches, because matplotlib's automatic layout takes longer than the drawing.

    Parameters
    ----------
    figure : Figure
        Figure to add to.
    left, bottom : float
        Distance of the axes from the figure's left and lower edges in inches.
    width, height : float
        Size of the axes in inches.
    **options
        Further arguments of `Figure.add_axes`.

    Returns
    -------
    Axes
        The new axes.
    """
    whole_width, whole_height = figure.get_size_inches()
    box = (left / whole_width, bottom / whole_height, width / whole_width, height / whole_height)
    return figure.add_axes(box, **options)


def new_axes(width: float, height: float, *, left: float, right: float, bottom: float, top: float) -> Axes:
    """Return the only axes of a new figure.

    Parameters
    ----------
    width, height : float
        Size of the axes in inches.
    left, right, bottom, top : float
        Margins around the axes in inches.

    Returns
    -------
    Axes
        Axes whose `figure` is `width` plus `left` and `right` wide.
    """
    figure = new_figure(left + width + right, bottom + height + top)
    return add_panel(figure, left=left, bottom=bottom, width=width, height=height)


def save_figure(figure: Figure, output: Path, *, dots_per_inch: int = _DOTS_PER_INCH, optimize: bool = False) -> None:
    """Write a figure as PNG: the same figure gives the same bytes with the same libraries.

    Parameters
    ----------
    figure : Figure
        Figure to save.
    output : Path
        PNG to write.
    dots_per_inch : int, default=110
        Resolution.
    optimize : bool, default=False
        Whether to look for the smallest file, which takes longer.
    """
    with replacing(output) as temporary:
        figure.savefig(
            temporary, dpi=dots_per_inch, metadata={"Software": None}, pil_kwargs={"optimize": True} if optimize else {}
        )
