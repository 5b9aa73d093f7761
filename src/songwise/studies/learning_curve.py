"""Learning curve: the training side thinned to ever fewer songs, and song accuracy drawn against their number."""

from pathlib import Path

import numpy as np
import pandas as pd

from songwise.files import replacing

COLUMNS = ("songs_per_class", "n_train_songs", "song_accuracy", "low", "high")
_STEPS = 5
_FEWEST = 2  # groups a class: the inner folds of search and calibration need two


def most_songs(sides: list[pd.DataFrame]) -> int:
    """How many songs the largest class has in any of these sides: label and song, a row a clip."""
    return max(int(side.groupby("label")["song"].nunique().max()) for side in sides)


def thinned(sides: list[pd.DataFrame], seed: int) -> dict[int, list[pd.DataFrame]]:
    """Training sides with ever more songs: five steps in even ratios from 2 songs a class to all, or fewer where whole
    groups do not allow as many.

    Parameters
    ----------
    sides : the training side of each round: label, song and group, a row a clip.
    seed : of the order in which each side's groups are taken.

    Returns
    -------
    The number of songs that no class has more of, ascending, to the sides; the last ones are whole.
    """
    largest = most_songs(sides)
    steps: dict[int, list[pd.DataFrame]] = {}
    for wanted in np.geomspace(min(_FEWEST, largest), largest, _STEPS):
        kept = [thin(side, round(wanted), [seed, number]) for number, side in enumerate(sides)]
        steps[most_songs(kept)] = kept
    return steps


def thin(side: pd.DataFrame, songs_per_class: int, seed: list[int]) -> pd.DataFrame:
    """A training side with so many songs of each class at most, but two groups of each at least.

    Whole groups are taken, in an order that the seed alone decides: what is kept of few songs is kept of more.

    Parameters
    ----------
    side : label, song and group, a row a clip.
    songs_per_class : at most.
    seed : of the order in which a class's groups are taken.
    """
    kept: set[str] = set()
    for index, (_, rows) in enumerate(side.groupby("label")):
        songs = rows.groupby("group")["song"].nunique()
        order = np.random.default_rng([*seed, index]).permutation(len(songs))
        fitting = np.searchsorted(songs.to_numpy()[order].cumsum(), songs_per_class, side="right")
        kept |= set(songs.index[order[: max(fitting, _FEWEST)]])
    return side[side["group"].isin(kept)]


def nearest_to_half(curve: list[dict]) -> int | None:
    """Which step before the last trains on the most nearly half as many songs as the last; None if there is none."""
    half = curve[-1]["n_train_songs"] / 2
    far = [abs(np.log(row["n_train_songs"] / half)) for row in curve[:-1]]
    return int(np.argmin(far)) if far else None


def plot_curve(path: Path, curve: list[dict], title: str) -> None:
    """Song accuracy with its interval against training songs, on a logarithmic axis.

    Parameters
    ----------
    path : PNG to write.
    curve : rows of COLUMNS.
    title : above the figure.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    at = [row["n_train_songs"] for row in curve]
    low, point, high = (np.array([row[name] for row in curve]) for name in ("low", "song_accuracy", "high"))
    figure = Figure(figsize=(7.3, 3.6))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.09, 0.2, 0.88, 0.69))
    axes.set_xscale("log")
    axes.fill_between(at, low, high, color="#1f6fb2", alpha=0.15, linewidth=0)
    axes.vlines(at, low, high, color="#1f6fb2", alpha=0.55)
    axes.plot(at, point, color="#1f6fb2", marker="o")
    for x, y in zip(at, point, strict=True):
        axes.annotate(f"{y:.2f}", (x, y), textcoords="offset points", xytext=(5, 6), fontsize=9)
    words = [f"{row['n_train_songs']:.0f}\n≤ {row['songs_per_class']}" for row in curve[:-1]]
    axes.set_xticks(at, [*words, f"{at[-1]:.0f}\nall"], fontsize=9)
    axes.minorticks_off()
    axes.set_xlim(at[0] / 1.15, at[-1] * 1.25)
    axes.set_ylim(0, 1)
    axes.set_xlabel("training songs of a fold, and how many a class at most")
    axes.set_ylabel("song accuracy")
    axes.grid(axis="y", color="#d9dee5", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_title(title, fontsize=10)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
