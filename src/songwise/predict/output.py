"""Answers as text: a table for people, JSON lines, or CSV. Each line is printed as soon as its file is done."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TextIO

from songwise.predict.answer import Answer, Segment
from songwise.text import clean_text

_COLUMNS = ("file", "status", "reason", "seconds", "label", "probability", "known", "novelty")
_MOST_PARTS = 6  # parts of a timeline in a line
UNKNOWN = "unlike the training music"


def print_table(answers: Iterable[Answer], stream: TextIO | None = None) -> None:
    """Print a paragraph of at most two lines per file.

    Parameters
    ----------
    answers : iterable of Answer
        Printed one by one.
    stream : text file, optional
        sys.stdout by default.
    """
    stream = stream or sys.stdout
    for answer in answers:
        print(_describe(answer), file=stream, flush=True)


def print_json(answers: Iterable[Answer], stream: TextIO | None = None) -> None:
    """Print one JSON object per line and file, with everything but the vector.

    Parameters
    ----------
    answers : iterable of Answer
        Printed one by one.
    stream : text file, optional
        sys.stdout by default.
    """
    stream = stream or sys.stdout
    for answer in answers:
        print(json.dumps(answer.as_dict(), ensure_ascii=False), file=stream, flush=True)


def print_csv(answers: Iterable[Answer], classes: Sequence[str], stream: TextIO | None = None) -> None:
    """Print a CSV with one row per file, without timelines.

    Parameters
    ----------
    answers : iterable of Answer
        Printed one by one.
    classes : sequence of str
        All classes, for the columns p_CLASS.
    stream : text file, optional
        sys.stdout by default.
    """
    stream = stream or sys.stdout
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*_COLUMNS, *(f"p_{label}" for label in classes)])
    for answer in answers:
        values = [getattr(answer, name) for name in _COLUMNS]
        writer.writerow(["" if value is None else _cell(value) for value in values] + _probabilities(answer, classes))
        stream.flush()


def introduce(card: Mapping) -> str:
    """Return a line about the model whose answers follow.

    Parameters
    ----------
    card : mapping
        The model card.
    """
    low, high = (f"{100 * card[f'song_accuracy_{end}']:.0f}" for end in ("low", "high"))
    return (
        f"{card['title']}: {card['model']} names the right {card['label']} for {100 * card['song_accuracy']:.0f} % "
        f"[{low}, {high}] of songs that it has never heard ({100 * card['guessing']:.0f} % by guessing)."
    )


def _describe(answer: Answer) -> str:
    name = clean_text(answer.file)
    if answer.status != "ok":
        return f"{name}\n    not classified: {answer.reason}"
    sure = f"{100 * answer.probability:.0f} %"
    verdict = f"{answer.label} ({sure})" if answer.known else f"{UNKNOWN}; nearest: {answer.label}"
    parts = _parts(answer.timeline)
    if len(parts) == 1:
        return f"{name}\n    {verdict}"
    shown = ", ".join(f"{_clock(start)} {label}" for start, label in parts[:_MOST_PARTS])
    more = f" and {len(parts) - _MOST_PARTS} more changes" if len(parts) > _MOST_PARTS else ""
    return f"{name}\n    {verdict}\n    {shown}{more}"


def _parts(timeline: Sequence[Segment]) -> list[tuple[float, str]]:
    """Return where the label changes."""
    return [(next(parts).start, label) for label, parts in groupby(timeline, key=lambda segment: segment.label)]


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _probabilities(answer: Answer, classes: Sequence[str]) -> list[str]:
    return [f"{answer.probabilities[label]:.6f}" if answer.probabilities else "" for label in classes]
