"""Charts of the page as places in a drawing: the templates draw them as SVG in the page's own colours."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_COLOURS = 12  # classes with a colour of their own; the page's style sheet has one for each
_NAMED = 600  # songs on a map that each have a name of their own; more are drawn as one path per class
_DOT = (2.5, 17.0)  # smallest and largest radius of a dot of the calibration


@dataclass(frozen=True)
class Tick:
    """A mark on an axis.

    Attributes
    ----------
    at : float
        Its place along the axis, in units of the drawing.
    text : str
        What it says.
    """

    at: float
    text: str


@dataclass(frozen=True)
class Dot:
    """A value in a plot.

    Attributes
    ----------
    x, y : float
        Its place, in units of the drawing; y grows downwards.
    text : str
        What it is, for a tooltip.
    low, high : float or None
        Places of the ends of its interval along y.
    radius : float
        In units of the drawing.
    """

    x: float
    y: float
    text: str
    low: float | None = None
    high: float | None = None
    radius: float = 4.0


@dataclass(frozen=True)
class Series:
    """Dots of one colour.

    Attributes
    ----------
    name : str
        For the legend.
    colour : int or None
        Number of its colour; None for the colour of everything else.
    dots : list of Dot
        Empty if there are too many for a tooltip each.
    path : str
        The same places as one path: a line from dot to dot, or the dots themselves if `dots` is empty.
    """

    name: str
    colour: int | None
    dots: list[Dot]
    path: str


@dataclass(frozen=True)
class Plot:
    """A plot with two axes.

    Attributes
    ----------
    width, height : float
        Size of the drawing.
    left, right, top, bottom : float
        Edges of the area of the data within it.
    x_ticks, y_ticks : list of Tick
        Marks of the axes.
    series : list of Series
        What is drawn.
    """

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    series: list[Series]


def learning_curve(rows: Sequence[Mapping[str, str]]) -> Plot | None:
    """Return the learning curve as differences in points from training on all songs.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of learning_curve.csv; the last one has all songs.

    Returns
    -------
    Plot or None
        None if there is nothing to compare with.
    """
    if len(rows) < 2:
        return None
    whole = float(rows[-1]["song_accuracy"])
    sizes = [float(row["n_train_songs"]) for row in rows]
    points = [[100 * (float(row[name]) - whole) for name in ("song_accuracy", "low", "high")] for row in rows]
    ticks = _nice_ticks(min(low for _, low, _ in points), max(high for _, _, high in points))
    area = (52.0, 408.0, 12.0, 214.0)
    left, right, top, bottom = area

    def x(size: float) -> float:
        return _between(math.log2(size), math.log2(sizes[0]), math.log2(sizes[-1]), left + 16, right - 16)

    def y(value: float) -> float:
        return _between(value, ticks[0], ticks[-1], bottom, top)

    dots = [
        Dot(
            x(size),
            y(value),
            f"{size:.0f} training songs: {value:+.0f} points" if size < sizes[-1] else f"all {size:.0f} training songs",
            low=y(low),
            high=y(high),
        )
        for size, (value, low, high) in zip(sizes, points, strict=True)
    ]
    x_ticks = [Tick(x(size), f"{size:.0f}") for size in _apart(sizes, x, 30)]
    return Plot(
        420,
        260,
        *area,
        x_ticks,
        [Tick(y(value), f"{value:+.0f}" if value else "0") for value in ticks],
        [Series("", 0, dots, _line(dots))],
    )


def calibration(rows: Sequence[Mapping[str, str]]) -> Plot | None:
    """Return how often a model is correct by its confidence, for songs and for clips.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of calibration.csv.

    Returns
    -------
    Plot or None
        The area of a dot is the share of the predictions in its bin. None without rows.
    """
    if not rows:
        return None
    area = (46.0, 346.0, 12.0, 312.0)
    left, right, top, bottom = area
    series = []
    for number, level in enumerate(sorted({row["level"] for row in rows}, reverse=True)):
        bins = [row for row in rows if row["level"] == level]
        total = sum(float(row["votes"]) for row in bins)
        dots = []
        for row in bins:
            confidence, right_share, votes = (float(row[name]) for name in ("confidence", "right", "votes"))
            text = f"{level}s with {100 * confidence:.0f} % confidence: {100 * right_share:.0f} % correct"
            dots.append(
                Dot(
                    _between(confidence, 0, 1, left, right),
                    _between(right_share, 0, 1, bottom, top),
                    f"{text}, {100 * votes / total:.0f} % of the {level}s",
                    radius=math.hypot(_DOT[0], _DOT[1] * math.sqrt(votes / total)),
                )
            )
        series.append(Series(f"{level}s", number, dots, _line(dots)))
    quarters = [0, 0.25, 0.5, 0.75, 1]
    x_ticks = [Tick(_between(share, 0, 1, left, right), f"{100 * share:.0f}") for share in quarters]
    y_ticks = [Tick(_between(share, 0, 1, bottom, top), f"{100 * share:.0f}") for share in quarters]
    return Plot(360, 356, *area, x_ticks, y_ticks, series)


def song_map(rows: Sequence[Mapping[str, str]]) -> Plot | None:
    """Return the map of the songs, one series per class, the largest classes first.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of song_clusters.csv.

    Returns
    -------
    Plot or None
        Classes beyond the number of colours are one series. None without rows.
    """
    if not rows:
        return None
    counts = Counter(row["label"] for row in rows)
    order = sorted(counts, key=lambda label: (-counts[label], label))
    coloured = order if len(order) <= _COLOURS else order[: _COLOURS - 1]
    xs, ys = ([float(row[name]) for row in rows] for name in ("x", "y"))
    area = (8.0, 552.0, 8.0, 392.0)
    left, right, top, bottom = area
    (x_low, x_high), (y_low, y_high) = ((min(values), max(values)) for values in (xs, ys))
    groups: dict[str | None, list[Dot]] = {label: [] for label in [None, *coloured]}
    for row, x, y in zip(rows, xs, ys, strict=True):
        dot = Dot(
            round(_between(x, x_low, x_high, left, right), 1),
            round(_between(y, y_low, y_high, bottom, top), 1),
            f"{row['song']} ({row['label']})",
        )
        groups[row["label"] if row["label"] in coloured else None].append(dot)
    series = []
    for label, dots in groups.items():
        name = label if label is not None else f"{len(order) - len(coloured)} other classes"
        colour = None if label is None else coloured.index(label)
        path = "" if len(rows) <= _NAMED else "".join(f"M{dot.x:.0f} {dot.y:.0f}h0" for dot in dots)
        if dots:
            series.append(Series(name, colour, dots if len(rows) <= _NAMED else [], path))
    return Plot(560, 400, *area, [], [], series)


def falls(rows: Iterable[Mapping[str, str]]) -> list[dict]:
    """Return the bars of the importance of feature families, on one scale that includes zero.

    Parameters
    ----------
    rows : iterable of mapping
        Rows of importance.csv.

    Returns
    -------
    list of dict
        The row's values with the places `zero`, `at`, `from` and `to` in per cent of the scale's width.
    """
    rows = list(rows)
    if not rows:
        return []
    low = min(0.0, *(float(row["low"]) for row in rows))
    high = max(0.01, *(float(row["high"]) for row in rows))
    places = {"at": "fall", "from": "low", "to": "high"}
    return [
        {**row, "zero": _between(0, low, high, 2, 98)}
        | {place: round(_between(float(row[name]), low, high, 2, 98), 2) for place, name in places.items()}
        for row in rows
    ]


def _between(value: float, low: float, high: float, start: float, end: float) -> float:
    """Return the place between start and end that a value has between low and high."""
    share = 0.5 if high == low else (value - low) / (high - low)
    return round(start + share * (end - start), 2)


def _line(dots: Sequence[Dot]) -> str:
    return "M" + "L".join(f"{dot.x:.1f} {dot.y:.1f}" for dot in dots)


def _nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return multiples of 1, 2, 5, 10, ... from below low to above high."""
    steps = (digit * 10.0**power for power in range(-2, 4) for digit in (1, 2, 5))
    step = next(step for step in steps if math.ceil(high / step) - math.floor(low / step) < most)
    return [step * number for number in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _apart(values: Sequence[float], place, least: float) -> list[float]:
    """Return values from the last one backwards whose places are not closer than the least distance."""
    kept: list[float] = []
    for value in reversed(values):
        if not kept or abs(place(kept[-1]) - place(value)) >= least:
            kept.append(value)
    return kept[::-1]
