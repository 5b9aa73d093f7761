"""`songwise errors`: the songs that a model gets wrong, with the files to listen to."""

import argparse
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from songwise.commands.columns import format_table
from songwise.commands.project import finished_run
from songwise.commands.say import say
from songwise.commands.tables import leaderboard, summary, table
from songwise.errors import InputError
from songwise.evaluation.predictions import labels_of
from songwise.paths import Run, verdicts_table
from songwise.predict.audio_files import find_audio
from songwise.predict.finished import choose_run
from songwise.predict.playlist import write_dataset_playlist
from songwise.report.songs import Mistake, find_mistakes
from songwise.report.summary import Summary
from songwise.text import clean_text

_TRACK_COLUMNS = ("track_id", "song", "label", "status")
_LONGEST = 40  # characters of a song's name in the table


class AudibleMistake(NamedTuple):
    """A song that a model gets wrong in at least one repeat, with the files to listen to.

    Attributes
    ----------
    song : str
        Its name in the track sheet.
    artist, title : str
        Empty if they are not known.
    label : str
        The true class.
    predicted : str
        The wrong class that most repeats gave; of several, the more probable one.
    probability : float
        Of `predicted`, mean over the repeats.
    wrong, repeats : int
        Repeats that were wrong, and all that tested the song.
    files : list of str
        Audio files of its tracks that are on this machine.
    seconds : str
        Length of the first track; empty if it is not known.
    """

    song: str
    artist: str
    title: str
    label: str
    predicted: str
    probability: float
    wrong: int
    repeats: int
    files: list[str]
    seconds: str


def run(arguments: argparse.Namespace) -> None:
    """Print the songs that a model gets wrong, the most confident mistake first.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: name, model, n, playlist, json.
    """
    results = finished_run(arguments.name, "errors")
    found = summary(results)
    model = choose_run(arguments.model or found.best, leaderboard(results), results)
    songs = read_verdicts(results, model, found.protocol)
    mistakes = audible_mistakes(songs, results)
    if arguments.json:
        for mistake in mistakes:
            print(json.dumps(mistake._asdict(), ensure_ascii=False))
    else:
        print("\n".join(_lines(mistakes, songs, model, found, most=arguments.n)))
    if arguments.playlist:
        _write(arguments.playlist, mistakes, results.name)


def read_verdicts(results: Path, model: Run | str, protocol: str) -> pd.DataFrame:
    """Return the verdicts of a model for the songs.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.
    model : Run or str
        MODEL@PRESET.
    protocol : str
        Under which the songs were tested.

    Returns
    -------
    DataFrame
        One row per song and repeat, with the columns repeat, song, label, predicted and p_LABEL.

    Raises
    ------
    InputError
        If the table is missing or damaged.
    """
    path = verdicts_table(results, model, protocol)
    rows = table(path, ("repeat", "song", "label", "predicted"))
    probabilities = labels_of(pd.DataFrame(rows[:1]))
    names = [f"p_{label}" for label in probabilities]
    checked = pd.DataFrame(table(path, names, names))
    wrong_labels = sorted({*checked["label"], *checked["predicted"]} - set(probabilities))
    if wrong_labels:
        raise InputError(
            f"{path} is damaged (it has no column p_{wrong_labels[0]}). Delete it and run snakemake again, which makes "
            "it"
        )
    return checked.astype(dict.fromkeys(names, float))


def audible_mistakes(songs: pd.DataFrame, results: Path) -> list[AudibleMistake]:
    """Return the songs that are wrong in at least one repeat, the most confident mistake first.

    Parameters
    ----------
    songs : DataFrame
        From `read_verdicts`.
    results : Path
        Folder results/DATASET, with tracks.csv.
    """
    tracks = _tracks_by_song(results)
    return [_with_tracks(mistake, tracks[mistake.song]) for mistake in find_mistakes(songs)]


def _with_tracks(mistake: Mistake, tracks: list[dict]) -> AudibleMistake:
    first = tracks[0] if tracks else {}
    return AudibleMistake(
        song=mistake.song,
        artist=first.get("artist", ""),
        title=first.get("title", ""),
        label=mistake.label,
        predicted=mistake.predicted,
        probability=round(mistake.probability, 4),
        wrong=mistake.wrong,
        repeats=mistake.tested,
        files=[str(row["file"]) for row in tracks if row["file"]],
        seconds=first.get("seconds", ""),
    )


def _tracks_by_song(results: Path) -> dict[str, list[dict]]:
    rows = [row for row in table(results / "tracks.csv", _TRACK_COLUMNS) if row["status"] == "ok"]
    by_song = defaultdict(list)
    for row, file in zip(rows, find_audio(rows, results.name, root=Path()), strict=True):
        by_song[row["song"]].append(row | {"file": file and _plain(file)})
    return by_song


def _plain(file: Path) -> Path:
    """Return a path without "..", if that is the same file (".." after a link leads elsewhere)."""
    plain = Path(os.path.normpath(file))
    return plain if plain.is_file() and plain.samefile(file) else file


def _lines(mistakes: list[AudibleMistake], songs: pd.DataFrame, model: Run, found: Summary, *, most: int) -> list[str]:
    n, repeats = songs["song"].nunique(), songs["repeat"].nunique()
    always = sum(mistake.wrong == mistake.repeats for mistake in mistakes)
    if repeats == 1:
        first = f"{model} gets {len(mistakes)} of {n} songs wrong."
    else:
        first = (
            f"{model} gets {len(mistakes)} of {n} songs wrong in at least one of {repeats} repeats, {always} in all."
        )
    if not mistakes:
        return [first]
    rows = [_row(mistake) for mistake in mistakes[:most]]
    header = ("song", f"{found.label} is", "predicted", "prob.", "wrong in", "file")
    lines = [first, *_note(n, found), "", *format_table(header, rows, align="<<<><<")]
    if len(mistakes) > most:
        lines += ["", f"and {len(mistakes) - most} less confident ones: -n {len(mistakes)} prints all"]
    return lines


def _note(n: int, found: Summary) -> list[str]:
    if n == found.n_songs:
        return []
    return [f"Songs with the same recording share a vote in the accuracy, which is that of {found.n_songs} votes."]


def _row(mistake: AudibleMistake) -> list[str]:
    name = " - ".join(filter(None, (mistake.artist, mistake.title))) if mistake.title else mistake.song
    more = f" and {len(mistake.files) - 1} more" if len(mistake.files) > 1 else ""
    return [
        clean_text(name, _LONGEST),
        clean_text(mistake.label),
        clean_text(mistake.predicted),
        f"{100 * mistake.probability:.0f} %",
        f"{mistake.wrong} of {mistake.repeats}",
        clean_text(mistake.files[0]) + more if mistake.files else "(not on this machine)",
    ]


def _write(playlist: Path, mistakes: list[AudibleMistake], dataset: str) -> None:
    rows = [
        {"path": file, "artist": mistake.artist, "title": _entry(mistake), "seconds": mistake.seconds}
        for mistake in mistakes
        for file in mistake.files
    ]
    written = write_dataset_playlist(playlist, rows, dataset)
    say(f"{playlist} has {written} files of {len(mistakes)} songs")


def _entry(mistake: AudibleMistake) -> str:
    return f"{mistake.title or mistake.song} ({mistake.label}, predicted {mistake.predicted})"
