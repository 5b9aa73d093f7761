"""The figures of a default run as the documentation shows them: the last screen, shares, and tables."""

import textwrap
from collections.abc import Iterable
from pathlib import Path

from songwise.files import read_json, read_rows
from songwise.paths import run_of
from songwise.report.headline import headline
from songwise.report.summary import Share, Summary, read_summary, share_of
from songwise.splits.protocols import RANDOM_CLIPS
from songwise.text import FACT_WORDS


class Measured:
    """The figures of one default run, for the templates.

    Parameters
    ----------
    folder : Path
        docs/measured/DATASET.

    Attributes
    ----------
    summary : Summary
        What the run's last screen shows.
    card : dict
        Model, clip, calibration and novelty of the champion's card.
    weights : dict of str to float
        Mean weight of each member of the best model, if that is a fusion.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self.summary: Summary = read_summary(folder)
        self.card: dict = read_json(folder / "champion" / "card.json")
        self.weights = {row["member"]: float(row["weight"]) for row in read_rows(folder / "weights.csv")}
        self._honest = {str(run_of(row)): row for row in read_rows(folder / "leaderboard.csv")}
        self._leaking = {
            str(run_of(row)): row for row in read_rows(folder / "leakage.csv") if row["protocol"] == RANDOM_CLIPS
        }

    def screen(self) -> str:
        """Return the last screen of the run, indented as code."""
        lines = headline(self.summary, self._folder).splitlines()
        return textwrap.indent("\n".join(fill_paragraph(line, 116) for line in lines), " " * 4)

    def songs(self, run: str) -> Share:
        """Return the song accuracy of MODEL@PRESET on new songs."""
        return share_of(self._honest[run], "song_accuracy")

    def clips(self, run: str) -> Share:
        """Return the clip accuracy of MODEL@PRESET on new songs."""
        return share_of(self._honest[run], "clip_accuracy")

    def leaking_songs(self, run: str) -> Share:
        """Return the song accuracy of MODEL@PRESET on random clips."""
        return share_of(self._leaking[run], "song_accuracy")

    def leaking_clips(self, run: str) -> Share:
        """Return the clip accuracy of MODEL@PRESET on random clips."""
        return share_of(self._leaking[run], "clip_accuracy")

    def table(self, runs: Iterable[str] = ()) -> str:
        """Return the leaderboard beside what random clips would have claimed, all rows or those of some runs."""
        header = ["model", "songs", "clips", "songs, random clips", "clips, random clips", "inflation"]
        lines = [header, ["---"] * len(header)]
        for run in runs or self._honest:
            shares = [self.clips(run), self.leaking_songs(run), self.leaking_clips(run)]
            songs = self.songs(run)
            inflation = _points(share_of(self._leaking[run], "inflation"))
            bold = f"**{songs.percent}** {songs.interval}"
            lines.append([f"`{run}`", bold, *map(str, shares), inflation])
        return _table(lines)

    def standardised(self) -> str:
        """Return the table of models on raw and on standardised audio."""
        rows = read_rows(self._folder / "standardised.csv")
        baseline = rows[0]["baseline"]
        leads = [f"lead over `{baseline}`, raw", "the same, standardised"]
        header = ["model", "raw audio", "standardised audio", "difference", *leads]
        lines = [header, ["---"] * len(header)]
        for row in rows:
            run = str(run_of(row))
            accuracies = [Share(float(row[name])).percent for name in ("raw", "standardised")]
            difference = share_of(row, "difference", "low", "high")
            leads = [share_of(row, name) for name in ("gain", "standardised_gain")] if row["gain"] else []
            lines.append([f"`{run}`", *accuracies, *map(_points, [difference, *leads]), *[""] * (2 - len(leads))])
        return _table(lines)

    def shortcuts(self) -> str:
        """Return the table of what facts about the files give away."""
        found = read_json(self._folder / "shortcuts.json")
        heard = share_of(found, "heard")
        lines = [["what the forest sees", "songs", "fall"], ["---"] * 3]
        lines.append(["everything", str(self.summary.file_facts), ""])
        lines.append(["loudness, peak, cutoff", str(heard), ""])
        for fact in found["features"]:
            lines.append(
                [
                    FACT_WORDS.get(fact["name"], fact["name"]),
                    str(share_of(fact, "alone")),
                    _points(share_of(fact, "fall")),
                ]
            )
        return _table(lines)

    def novelty(self) -> str:
        """Return the table of how well songs of unknown classes are noticed, one row per class that is left out."""
        lines = [["class left out", "songs", "AUROC", "of its songs refused"], ["---"] * 4]
        for row in read_rows(self._folder / "novelty.csv"):
            auroc, low, high = (f"{float(row[f'auroc{bound}']):.2f}" for bound in ("", "_low", "_high"))
            refused = Share(float(row["refused"])).percent
            label = "all classes" if row["label"] == "all" else row["label"]
            lines.append([label, row["n_songs"], f"{auroc} [{low}, {high}]", refused])
        return _table(lines)

    def similar(self) -> str:
        """Return the table of how many of the nearest songs have the same label, by space."""
        lines = [["space and distance", "among the nearest 5", "among the nearest 10"], ["---"] * 3]
        cells: dict[str, list[str]] = {}
        for row in read_rows(self._folder / "similar.csv"):
            precision = share_of(row, "precision", "low", "high")
            cells.setdefault(f"{row['space']}, {row['distance']}", []).append(str(precision))
        guessing = Share(float(row["chance"])).percent
        return _table(
            [*lines, *([name, *shares] for name, shares in cells.items()), ["random tracks", guessing, guessing]]
        )


def _points(difference: Share) -> str:
    value, low, high = (f"{100 * value + 0.0:.0f}" for value in (difference.value, difference.low, difference.high))
    return f"{value} [{low}, {high}]".replace("-0", "0")


def _table(lines: Iterable[Iterable[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def fill_paragraph(text: str, width: int, **options: str) -> str:
    """Wrap a paragraph, with a number and its per cent sign on one line.

    Parameters
    ----------
    text : str
        One paragraph.
    width : int
        Most characters of a line.
    **options
        Further arguments of `textwrap.fill`.

    Returns
    -------
    str
        Its lines.
    """
    joined = text.replace(" %", "\N{NO-BREAK SPACE}%")
    filled = textwrap.fill(joined, width, break_long_words=False, break_on_hyphens=False, **options)
    return filled.replace("\N{NO-BREAK SPACE}", " ")
