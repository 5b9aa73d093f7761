"""The confusion matrices of all models, small enough to be part of the page, with the songs in their cells."""

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from songwise.files import read_rows
from songwise.paths import confusion_table, model_folder
from songwise.report.songs import Song, read_verdicts

LARGEST_TABLE = 24  # classes of a matrix with numbers; more are a heat map

# What the page embeds at most, all models together: about 0.6 MB.
_MOST_CELLS = 30_000
_MOST_SONGS = 6_000
_MOST_SONGS_IN_CELL = 20


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix.

    Attributes
    ----------
    labels : list of str
        Names of rows and columns.
    votes : list of list of float
        Songs or clips by true and predicted label, mean over repeats.
    """

    labels: list[str]
    votes: list[list[float]]

    @cached_property
    def totals(self) -> list[float]:
        """Votes of each true label."""
        return [sum(row) for row in self.votes]

    def share(self, row: int, column: int) -> float:
        """Return the share of a true label's votes that were predicted as another one, from 0 to 1."""
        total = self.totals[row]
        return self.votes[row][column] / total if total else 0.0

    def confused(self, most: int) -> list[tuple[str, str, float, float]]:
        """Return the most frequent mistakes: true label, predicted label, votes and share of the true label's votes.

        Parameters
        ----------
        most : int
            How many.
        """
        totals = self.totals
        cells = [
            (self.labels[i], self.labels[j], votes, votes / totals[i])
            for i, row in enumerate(self.votes)
            for j, votes in enumerate(row)
            if i != j and votes
        ]
        return sorted(cells, key=lambda cell: (-cell[2], -cell[3], cell[:2]))[:most]


def read_matrix(results: Path, run: str, level: str) -> Matrix:
    """Return a model's confusion matrix.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.
    run : str
        MODEL@PRESET.
    level : str
        "song" or "clip".
    """
    # By position, not by name: a class may be called "label", as the first column is.
    with confusion_table(results, run, level).open(newline="", encoding="utf-8") as stream:
        (_, *labels), *rows = csv.reader(stream)
    return Matrix(labels, [[float(votes) for votes in row[1:]] for row in rows])


def read_classes(results: Path, run: str) -> dict[str, list[dict[str, str]]]:
    """Return a model's precision, recall, F1 and support per class.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.
    run : str
        MODEL@PRESET.

    Returns
    -------
    dict of str to list of dict
        Rows of classes.csv by level, "song" and "clip".
    """
    by_level: dict[str, list] = {"song": [], "clip": []}
    for row in read_rows(model_folder(results, run) / "classes.csv"):
        by_level[row["level"]].append(row)
    return by_level


def embedded(
    results: Path,
    runs: Sequence[str],
    protocol: str,
    *,
    label: str,
    names: Mapping[str, Song],
    words: Mapping[str, dict],
) -> dict:
    """Return everything that the page's script draws matrices from, as JSON values.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.
    runs : sequence of str
        Models, each as MODEL@PRESET, the best first.
    protocol : str
        The leaderboard's.
    label : str
        What the classes are.
    names : mapping of str to Song
        How to name each song.
    words : mapping of str to dict
        For each model what the page says about it.

    Returns
    -------
    dict
        `labels`; `songs`, each as name and number of repeats that tested it; and `models`. Each model has, per level,
        `rows` (column, votes, column, votes, ...), `totals`, as `least` the number of votes up to which mistakes are
        left out, and `classes` (precision, recall and F1 in per cent). Its `cells` are lists of song, repeats, song,
        repeats, ... and the number of all songs of the cell, under row times number of labels plus column. Cells for
        which there is no room are left out.
    """
    songs = _SongList(names)
    models = []
    labels = read_matrix(results, runs[0], "song").labels
    for run in runs:
        model = {"run": run, **words[run]}
        classes = read_classes(results, run)
        for level in ("song", "clip"):
            matrix = read_matrix(results, run, level)
            model[level] = _sparse(matrix, _MOST_CELLS // (2 * len(runs))) | {"classes": _per_cents(classes[level])}
        model["cells"] = _cells(read_verdicts(results, run, protocol), labels, songs, _MOST_SONGS // len(runs))
        models.append(model)
    return {
        "label": label,
        "labels": labels,
        "largestTable": LARGEST_TABLE,
        "songs": songs.entries,
        "models": models,
    }


class _SongList:
    """Names of songs, each once, by the number that cells refer to."""

    def __init__(self, names: Mapping[str, Song]):
        self.names = names
        self.entries: list[list] = []
        self._numbers: dict[str, int] = {}

    def number(self, song: str, tested: int) -> int:
        """Return the number of a song; the first call decides how many repeats tested it."""
        if song not in self._numbers:
            self._numbers[song] = len(self.entries)
            self.entries.append([self.names[song].name if song in self.names else song, tested])
        return self._numbers[song]


def _sparse(matrix: Matrix, most: int) -> dict:
    cells = [(i, j, votes) for i, row in enumerate(matrix.votes) for j, votes in enumerate(row) if votes]
    mistakes = sorted((votes for i, j, votes in cells if i != j), reverse=True)
    # Cells with equal votes are all drawn or all left out: a part of them would look like a pattern.
    least = mistakes[most] if len(mistakes) > most else 0
    rows: list[list[float]] = [[] for _ in matrix.labels]
    for i, j, votes in cells:
        if i == j or votes > least:
            rows[i] += [j, _short(votes)]
    return {
        "rows": rows,
        "totals": [_short(total) for total in matrix.totals],
        "least": _short(least),
    }


def _short(votes: float) -> float:
    rounded = round(votes, 1)
    return int(rounded) if rounded == int(rounded) else rounded


def _per_cents(rows: list[dict[str, str]]) -> list[list[int]]:
    return [[round(100 * float(row[name])) for name in ("precision", "recall", "f1")] for row in rows]


def _cells(verdicts, labels: list[str], songs: _SongList, most: int) -> dict[str, list]:
    """Return the songs in each cell, the mistakes first, as long as there is room."""
    number = {label: place for place, label in enumerate(labels)}
    tested = verdicts.groupby("song").size()
    found: dict[tuple[int, int], list] = defaultdict(list)
    for (label, predicted, song), repeats in verdicts.groupby(["label", "predicted", "song"]).size().items():
        found[number[label], number[predicted]].append((-repeats, song))
    cells = {}
    for i, j in sorted(found, key=lambda cell: (cell[0] == cell[1], -len(found[cell]), cell)):
        members = sorted(found[i, j])
        shown = members[: min(_MOST_SONGS_IN_CELL, most)]
        most -= len(shown)
        if not shown:
            continue
        flat = [value for repeats, song in shown for value in (songs.number(song, int(tested[song])), int(-repeats))]
        cells[str(i * len(labels) + j)] = [flat, len(members)]
    return cells
