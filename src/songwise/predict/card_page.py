"""A model card for people, in Markdown."""

from collections.abc import Mapping
from typing import Any

from songwise.text import clean_text, format_names

_MOST_CLASSES = 60


def card_page(card: Mapping[str, Any]) -> str:
    """Return a model card as a page in Markdown.

    Parameters
    ----------
    card : mapping
        The keys of `schemas.card.Card`; files are not needed.

    Returns
    -------
    str
        A page with headings and tables.
    """
    return "\n".join([*_title(card), *_accuracy(card), *_probabilities(card), *_data(card), *_use(card)]) + "\n"


def _title(card: Mapping[str, Any]) -> list[str]:
    return [
        f"# {_text(card['title'])}: {card['model']}",
        "",
        f"This model names the {_text(card['label'])} of a song, one of {len(card['classes'])}. {card['reason']}",
        f"It is right for **{_percent(card['song_accuracy'])}** of songs that it has never heard, 95 % interval "
        f"{_interval(card, 'song_accuracy')}.",
        "",
    ]


def _accuracy(card: Mapping[str, Any]) -> list[str]:
    rows = [
        ("this model, songs never heard", _percent(card["song_accuracy"]), _interval(card, "song_accuracy")),
        (f"best of the leaderboard, {card['best']}", _percent(card["best_song_accuracy"]), ""),
        ("the best, corrected for having been chosen as the best", _percent(card["corrected_song_accuracy"]), ""),
        (f"guessing the most common {_text(card['label'])}", _percent(card["guessing"]), ""),
        ("facts about the files alone, without music", _percent(card["file_facts"]), ""),
        ("what random clips would have claimed for this model", _percent(card["random_clips_song_accuracy"]), ""),
    ]
    lines = [f"| {name} | {value} | {interval} |" for name, value, interval in rows if value]
    return [
        "## How good it is",
        "",
        f"Measured on {card['n_songs']} songs ({card['n_clips']:,} clips), protocol {card['protocol']}: no song is in "
        "both the training and the test set.",
        "",
        "| | song accuracy | 95 % interval |",
        "|---|---|---|",
        *lines,
        "",
        *_warning(card),
    ]


def _warning(card: Mapping[str, Any]) -> list[str]:
    if card["file_facts"] is None or card["file_facts"] < card["song_accuracy_low"]:
        return []
    return [
        "**Warning**: facts about the files reach the interval of this model. Part of what it learned may be encoding "
        "and mastering, so new files from elsewhere may be classified worse.",
        "",
    ]


def _probabilities(card: Mapping[str, Any]) -> list[str]:
    song, novelty = card["calibration"]["song"], card["novelty"]
    lines = [
        "## What its answers mean",
        "",
        "- **Probability**: calibrated on songs that the model had not heard. The expected calibration error is "
        f"{_number(song['ece_after'])} ({_number(song['ece_before'])} before).",
        "- **Unlike the training music**: the song is more unusual than 95 % of the songs of the known classes. The "
        "label is then the nearest class, and no more than that.",
    ]
    if novelty["auroc"] is not None:
        lines.append(
            "- Songs of a class that was left out of training are told from known songs with an area under the ROC "
            f"curve of {novelty['auroc']:.2f} [{novelty['auroc_low']:.2f}, {novelty['auroc_high']:.2f}], where 0.5 is "
            f"chance. {_percent(novelty['refused'])} of them are refused: one that is not refused may still be of no "
            "class."
        )
    return [*lines, ""]


def _data(card: Mapping[str, Any]) -> list[str]:
    clip = card["clip"]
    clips = (
        f"Clips: {clip['seconds']:g} s, one every {clip['hop']:g} s" if clip else "A table of features, without audio"
    )
    classes = format_names([_text(label) for label in card["classes"]], _MOST_CLASSES)
    lines = [
        "## What it was trained on",
        "",
        f"- Data set: {card['dataset']}, version `{card['data_version']}`"
        + (f", {card['homepage']}" if card["homepage"] else ""),
        f"- Classes: {classes}",
        f"- {clips}",
        f"- Licences of the music: {format_names([_text(name) for name in card['licenses']], 20) or 'not stated'}",
    ]
    if card["citation"]:
        lines.append(f"- Please cite: {_text(card['citation'])}")
    return [*lines, ""]


def _use(card: Mapping[str, Any]) -> list[str]:
    versions = ", ".join(f"{name} {number}" for name, number in card["versions"].items())
    return [
        "## Use",
        "",
        *([f"    songwise classify song.mp3 --dataset {card['dataset']}", ""] if card["clip"] else []),
        f"Features and prediction take {card['milliseconds']:.2g} ms of CPU time per second of music. Nothing in this "
        "folder is executed when it is loaded.",
        f"Made by commit `{card['git_commit'] or 'unknown'}` with {versions}.",
    ]


def _interval(card: Mapping[str, Any], name: str) -> str:
    low, high = (f"{100 * card[f'{name}_{end}']:.0f}" for end in ("low", "high"))
    return f"[{low}, {high}]"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.2f}"


def _text(text: str) -> str:
    """Return a name from a sheet as text that Markdown and HTML leave alone."""
    visible = clean_text(text, 200)
    return "".join(f"\\{mark}" if mark in "\\`*_[]|#" else mark for mark in visible).replace("<", "&lt;")
