"""The notes that MLflow shows on an experiment and on its runs, in Markdown: the headline of the result."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from songwise.files import read_rows
from songwise.paths import run_of
from songwise.report.headline import doubt, expectation, four_numbers
from songwise.report.summary import Share, Summary
from songwise.splits.protocols import RANDOM_CLIPS
from songwise.tracking.result import Entry

_TOP = 5  # models in the note on the experiment
_FENCE = "```"


def experiment_note(summary: Summary, results: Path, link: str) -> str:
    """Return the note on the experiment of a data set.

    Parameters
    ----------
    summary : Summary
        The result.
    results : Path
        Folder results/DATASET.
    link : str
        Address of the leaderboard in MLflow's pages, without the server.

    Returns
    -------
    str
        The four numbers as a table, what to expect, what to doubt, the first models, and the link.
    """
    rows = read_rows(results / "leaderboard.csv")
    models = [[str(place), *_model_cells(row, place)] for place, row in enumerate(rows[:_TOP], start=1)]
    numbers = [
        [number.name, number.share.percent, number.share.interval, number.note] for number in four_numbers(summary)
    ]
    about = f"{summary.title}: {summary.n_songs} songs, share with the right {summary.label}."
    blocks = [
        about,
        _table(("", "songs", "95 % interval", ""), numbers),
        expectation(summary),
        *_doubt_blocks(summary),
        _table(("place", "model", "songs", "95 % interval", ""), models) if len(rows) > 1 else "",
        f"[All {len(rows)} models, best first]({link})",
    ]
    return "\n\n".join(filter(None, blocks))


def run_note(entry: Entry, summary: Summary, link: str) -> str:
    """Return the note on the run of a model.

    Parameters
    ----------
    entry : Entry
        The model.
    summary : Summary
        The result of its data set.
    link : str
        Address of the leaderboard in MLflow's pages, without the server.

    Returns
    -------
    str
        The model's own numbers, its place, what to doubt, and the link.
    """
    own = [["this model", *_cells(_share(entry.row)), "on songs never heard"]]
    others = [
        ["random clips", *_cells(_share(row)), "what it would claim, tested on clips of songs that it knows"]
        for row in entry.leakage
        if row["protocol"] == RANDOM_CLIPS
    ]
    shared = [
        [number.name, *_cells(number.share), number.note]
        for number in four_numbers(summary)
        if number.name in ("guessing", "file facts")
    ]
    blocks = [
        f"Place {entry.place} of {summary.n_models} in {summary.title}{_standing(entry)}.",
        _table(("", "songs", "95 % interval", ""), [*own, *shared, *others]),
        *(_doubt_blocks(summary) if entry.name == summary.best else []),
        f"[All models of {summary.dataset}, best first]({link})",
    ]
    return "\n\n".join(blocks)


def _doubt_blocks(summary: Summary) -> list[str]:
    sentences = doubt(summary)
    if not sentences:
        return []
    command = [f"{_FENCE}\n{summary.next_command}\n{_FENCE}"] if summary.next_command else []
    return [f"**Warning:** {' '.join(sentences)}", *command]


def _standing(entry: Entry) -> str:
    marks = ["statistically tied with the best"] if entry.place > 1 and entry.row["tied"] == "true" else []
    marks += ["from an earlier run that is still up to date"] if entry.row["this_run"] != "true" else []
    return f", {' and '.join(marks)}" if marks else ""


def _model_cells(row: Mapping[str, str], place: int) -> list[str]:
    tied = "tied with the best" if place > 1 and row["tied"] == "true" else ""
    return [str(run_of(row)), *_cells(_share(row)), tied]


def _share(row: Mapping[str, str]) -> Share:
    return Share(*(float(row[f"song_accuracy{end}"]) for end in ("", "_low", "_high")))


def _cells(share: Share) -> list[str]:
    return [share.percent, share.interval]


def _table(header: Iterable[str], rows: Iterable[list[str]]) -> str:
    lines = [list(header), ["---"] * len(list(header)), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
