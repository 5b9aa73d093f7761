"""The result of a run in words: the four numbers, what they mean, and what to do next."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from songwise.files import read_rows
from songwise.paths import run_of
from songwise.report.board import marks_of
from songwise.report.summary import Share, Standardised, Summary, share_of
from songwise.text import format_names

_NAMED = 2  # facts about the files in a warning
_TOP = 3  # models of the leaderboard on the last screen


class Number(NamedTuple):
    """One of the four numbers of a result.

    Attributes
    ----------
    name : str
        Such as "guessing".
    share : Share
        A share of songs.
    note : str
        What it is, in a few words.
    """

    name: str
    share: Share
    note: str


def four_numbers(summary: Summary) -> list[Number]:
    """Return the numbers of a result, all of them shares of songs; fewer than four if some were not measured.

    Parameters
    ----------
    summary : Summary
        The result.

    Returns
    -------
    list of Number
        The best model, guessing, the file facts alone, and what random clips would have claimed.
    """
    numbers = [
        Number("best model", summary.accuracy, f"{summary.best}, on songs never heard"),
        Number("guessing", summary.guessing, f"always the most common {summary.label}"),
    ]
    if summary.file_facts:
        numbers.append(Number("file facts", summary.file_facts, "bit rate, length, loudness and so on, without music"))
    if summary.random_clips:
        note = "what the same model would claim, tested on clips of songs that it knows"
        numbers.append(Number("random clips", summary.random_clips, note))
    return numbers


def expectation(summary: Summary) -> str:
    """Return what to expect of the best model on new songs, given that it was chosen among several.

    Parameters
    ----------
    summary : Summary
        The result.

    Returns
    -------
    str
        A sentence; empty if there was no choice.
    """
    if summary.corrected is None:
        return ""
    if summary.corrected.percent == summary.accuracy.percent:
        return f"It is the best of {summary.n_models} by so much that correcting for the choice changes nothing."
    return (
        f"It is the best of {summary.n_models}, so expect {summary.corrected} on new songs (corrected for the choice)."
    )


def doubt(summary: Summary) -> list[str]:
    """Return what the file facts mean for the result, and the answer of standardised audio.

    Parameters
    ----------
    summary : Summary
        The result.

    Returns
    -------
    list of str
        Sentences; none if the file facts do not beat guessing.
    """
    if not summary.finding:
        return []
    most = f" (most of all {' and '.join(summary.telling[:_NAMED])})" if summary.telling else ""
    if summary.is_doubtful:
        sentences = [
            f"The file facts alone{most} reach {summary.file_facts}, within the best model's interval or above it. "
            "So this result alone does not show that the model hears music."
        ]
    else:
        sentences = [
            f"The file facts alone{most} reach {summary.file_facts}, more than guessing. Part of what models learn may "
            "be encoding and mastering, not music."
        ]
    if summary.standardised:
        return [*sentences, standardised_answer(summary.standardised)]
    return (
        [*sentences, "Standardised audio hides most of these facts, and shows what remains:"]
        if summary.next_command
        else sentences
    )


def standardised_answer(found: Standardised) -> str:
    """Return what a model loses on standardised audio, in a sentence.

    Parameters
    ----------
    found : Standardised
        One model on raw and on standardised audio.
    """
    low, high = (f"{100 * bound:+.0f}" for bound in (found.points.low, found.points.high))
    return (
        f"On standardised audio, which hides most of these facts, {found.run} gets {100 * found.standardised:.0f} % "
        f"instead of {100 * found.raw:.0f} %: {100 * found.points.value:+.0f} points [{low}, {high}]."
    )


def headline(summary: Summary, results: Path, *, recipe: Mapping | None = None) -> str:
    """Return the last screen of a run: the four numbers, the top three, warnings, and where to see more.

    Parameters
    ----------
    summary : Summary
        The result.
    results : Path
        Folder results/DATASET.
    recipe : mapping, optional
        Key `recipe` of config.

    Returns
    -------
    str
        Lines of plain text.
    """
    blocks = [
        _numbers(summary),
        _top(results, summary),
        [f"Warning: {' '.join(doubt(summary))}", *_command(summary.next_command)] if summary.finding else [],
        _stale(summary),
        recipe_lines(recipe, results),
        _ways(summary),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _numbers(summary: Summary) -> list[str]:
    lines = [f"{summary.title}: share of {summary.n_songs} songs with the right {summary.label}"]
    for number in four_numbers(summary):
        lines.append(f"  {number.name:12}  {number.share.percent:>5}  {number.share.interval:10}  {number.note}")
    return [*lines, *filter(None, [expectation(summary)])]


def _top(results: Path, summary: Summary) -> list[str]:
    rows = read_rows(results / "leaderboard.csv")
    best_of_run = next((place for place, row in enumerate(rows) if row["this_run"] == "true"), 0)
    shown = sorted({*range(min(_TOP, len(rows))), best_of_run})
    width = max(len(str(run_of(rows[place]))) for place in shown)
    lines = []
    for place in shown:
        row = rows[place]
        share = share_of(row, "song_accuracy")
        marks = ", ".join(marks_of(row, place + 1))
        line = f"{place + 1:3}  {run_of(row)!s:{width}}  {share.percent:>5}  {share.interval:10}  {marks}"
        lines.append(line.rstrip())
    others = [row["tied"] == "true" for place, row in enumerate(rows) if place not in shown]
    if others:
        tied = f", {sum(others)} of them tied with the best" if any(others) else ""
        lines.append(f"     and {len(others)} more{tied}")
    return lines if summary.n_models > 1 else []


def _command(command: str) -> list[str]:
    return [f"  {command}"] if command else []


def _stale(summary: Summary) -> list[str]:
    if not summary.stale:
        return []
    named = [f"{run} ({reason})" for run, reason in summary.stale.items()]
    return [
        f"Of earlier runs, not ranked: {format_names(named)}. To rank them again:",
        f"  {summary.stale_command()}",
    ]


def _ways(summary: Summary) -> list[str]:
    name = summary.dataset
    lines = [f"Report:     songwise report {name} --open", f"Runs:       songwise ui {name}"]
    if summary.champion:
        by = "" if summary.champion == summary.best else f"   (by {summary.champion})"
        lines.insert(0, f"New files:  songwise classify song.mp3, or songwise serve{by}")
    return lines


def recipe_lines(recipe: Mapping | None, results: Path) -> list[str]:
    """Return a sentence on the best of the published figures whose model was run.

    Parameters
    ----------
    recipe : mapping or None
        Key `recipe` of config.
    results : Path
        Folder results/DATASET, with recipe.csv.

    Returns
    -------
    list of str
        One line; none without a recipe.
    """
    path = results / "recipe.csv"
    if recipe is None or not path.is_file():
        return []
    compared = [row for row in read_rows(path) if row["published"] and row["published_here"] and row["by_song"]]
    if not compared:
        return [f"The recipe {recipe['name']}: none of its published models was run. See {path}"]
    best = max(compared, key=lambda row: float(row["published"]))
    published, here, by_song = (
        f"{100 * float(best[name]):.0f} %" for name in ("published", "published_here", "by_song")
    )
    own = "" if recipe["protocol"] == "by-song" else f"{here} here under its own protocol ({recipe['protocol']}), "
    return [
        f"The recipe {recipe['name']}, {run_of(best)}, {best['level']} accuracy: "
        f"{published} published, {own}{by_song} here by song. See {path}"
    ]
