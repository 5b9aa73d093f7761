"""The notes that MLflow shows on an experiment and on its runs, in Markdown: the headline of the result."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from songwise.files import read_rows
from songwise.paths import run_of
from songwise.report.board import fitting_of
from songwise.report.headline import doubt, expectation, four_numbers
from songwise.report.summary import Share, Summary, share_of
from songwise.splits.protocols import RANDOM_CLIPS
from songwise.tracking.result import Entry

_TOP = 5  # models in the note on the experiment
_FENCE = "```"
_NUMBERS = ("", "songs", "95 % interval", "")  # columns of a table of shares


def experiment_note(summary: Summary, results: Path, links: Mapping[str, str]) -> str:
    """Return the note on the experiment of a data set.

    Parameters
    ----------
    summary : Summary
        The result.
    results : Path
        Folder results/DATASET.
    links : mapping of str to str
        Addresses in MLflow's pages, by what they show.

    Returns
    -------
    str
        The four numbers, first in a sentence, which MLflow shows while the note is folded, then as a table; what to
        expect, what to doubt, the first models, and the links.
    """
    numbers = four_numbers(summary)
    rows = read_rows(results / "leaderboard.csv")
    models = [[str(place), *_model_cells(row, place)] for place, row in enumerate(rows[:_TOP], start=1)]
    sentence = ", ".join(f"{number.name} {number.share.percent}" for number in numbers)
    blocks = [
        f"{sentence.capitalize()} of {summary.n_songs} songs.",
        f"{summary.title}: share of songs with the right {summary.label}:",
        _table(_NUMBERS, [[number.name, *_cells(number.share), number.note] for number in numbers]),
        expectation(summary),
        *_doubt_blocks(summary),
        _table(("place", "model", "songs", "95 % interval", ""), models) if len(rows) > 1 else "",
        _links(links),
    ]
    return "\n\n".join(filter(None, blocks))


def run_note(entry: Entry, summary: Summary, links: Mapping[str, str]) -> str:
    """Return the note on the run of a model.

    Parameters
    ----------
    entry : Entry
        The model.
    summary : Summary
        The result of its data set.
    links : mapping of str to str
        Addresses in MLflow's pages, by what they show.

    Returns
    -------
    str
        The model's place and its numbers; what to doubt, if it is the best one; and the links.
    """
    shared = {number.name: number for number in four_numbers(summary)}
    lines = [["this model", *_cells(share_of(entry.row, "song_accuracy")), "on songs never heard"]]
    lines += [
        [name, *_cells(shared[name].share), shared[name].note] for name in ("guessing", "file facts") if name in shared
    ]
    lines += [
        ["random clips", *_cells(share_of(row, "song_accuracy")), shared["random clips"].note]
        for row in entry.leakage
        if row["protocol"] == RANDOM_CLIPS
    ]
    blocks = [
        f"Place {entry.place} of {summary.n_models} in {summary.title}{_standing(entry)}.",
        _table(_NUMBERS, lines),
        *(_doubt_blocks(summary) if entry.name == summary.best else []),
        _links(links),
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
    marks += fitting_of(entry.row)
    marks += ["from an earlier run that is still up to date"] if entry.row["this_run"] != "true" else []
    return f", {' and '.join(marks)}" if marks else ""


def _model_cells(row: Mapping[str, str], place: int) -> list[str]:
    tied = "tied with the best" if place > 1 and row["tied"] == "true" else ""
    return [str(run_of(row)), *_cells(share_of(row, "song_accuracy")), tied]


def _cells(share: Share) -> list[str]:
    return [share.percent, share.interval]


def _links(links: Mapping[str, str]) -> str:
    return " | ".join(f"[{name}]({address})" for name, address in links.items())


def _table(header: Sequence[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_escaped(cell) for cell in line)} |" for line in lines)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
