"""`songwise show`: the result of a finished run, as at its end."""

import argparse
import dataclasses
import json
from pathlib import Path

from songwise.commands.columns import format_table
from songwise.commands.project import finished_run
from songwise.commands.tables import leaderboard, summary
from songwise.paths import run_of
from songwise.report.board import marks_of
from songwise.report.headline import headline
from songwise.report.summary import Share, share_of


def run(arguments: argparse.Namespace) -> None:
    """Print the result of a run.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: name, all, json.
    """
    results = finished_run(arguments.name, "show")
    found = summary(results)
    if arguments.json:
        print(json.dumps(dataclasses.asdict(found), ensure_ascii=False))
    elif arguments.all:
        print("\n".join(format_leaderboard(results)))
    else:
        print(headline(found, results))


def format_leaderboard(results: Path) -> list[str]:
    """Return the whole leaderboard as lines of text.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.
    """
    rows = []
    for place, row in enumerate(leaderboard(results), start=1):
        songs = share_of(row, "song_accuracy")
        clips = Share(float(row["clip_accuracy"])).percent
        p = "" if place == 1 else _format_p(float(row["p_best"]))
        seconds = f"{float(row['fit_seconds']):.1f}"
        marks = ", ".join(marks_of(row, place))
        rows.append([str(place), str(run_of(row)), songs.percent, songs.interval, clips, p, seconds, marks])
    header = ["", "model@preset", "songs", "95 %", "clips", "p", "fit, s", ""]
    return format_table(header, rows, align="><><>>><")


def _format_p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
