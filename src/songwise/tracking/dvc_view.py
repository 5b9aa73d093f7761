"""DVC's view of the results, to which dvc.yaml points: results/_dvc."""

import shutil
from pathlib import Path

from songwise.files import read_rows, write_json, write_rows
from songwise.paths import confusion_picture, run_of, verdicts_table
from songwise.report.summary import Summary
from songwise.tracking.result import read_result

_ENDS = ("", "_low", "_high")
_OF_MODEL = tuple(f"{level}_accuracy{end}" for level in ("song", "clip") for end in _ENDS)
_FIGURES = ("leakage.png", "calibration.png")  # of the data set
_DIGITS = 4


def write_dvc_view(results: Path, view: Path) -> None:
    """Write the results of a data set in the form that `dvc metrics` and `dvc plots` need.

    DVC prints one row per file and one column per figure, in alphabetical order. So there is one small file per data
    set, and the figures of every model are in another one, for `dvc metrics diff --targets`.

    Parameters
    ----------
    results : Path
        Folder results/DATASET, complete except for what MLflow records.
    view : Path
        Folder results/_dvc. Written are best/DATASET.json, models/DATASET.json, songs/DATASET.csv and the pictures in
        figures/DATASET.

    Raises
    ------
    InputError
        If an earlier version of songwise wrote the results.
    """
    summary = read_result(results)
    best, models, songs, figures = view_places(view, summary.dataset)
    write_json(best, _headline(summary))
    board = read_rows(results / "leaderboard.csv")
    write_json(
        models,
        {str(run_of(row)): {column: float(row[column]) for column in _OF_MODEL} for row in board},
    )
    _write_songs(summary, results, songs)
    _copy_figures(summary, results, figures)


def view_places(view: Path, dataset: str) -> list[Path]:
    """Return everything that the view has of a data set.

    Parameters
    ----------
    view : Path
        Folder results/_dvc.
    dataset : str
        Name of the data set.

    Returns
    -------
    list of Path
        The files with the headline, with the models and with the songs, and the folder of pictures.
    """
    return [
        view / "best" / f"{dataset}.json",
        view / "models" / f"{dataset}.json",
        view / "songs" / f"{dataset}.csv",
        view / "figures" / dataset,
    ]


def _headline(summary: Summary) -> dict[str, float]:
    """Return the headline in figures; short names, so that a row of `dvc metrics show` fits into 100 columns."""
    shares = {
        "best": summary.accuracy.value,
        "low": summary.accuracy.low,
        "high": summary.accuracy.high,
        "guessing": summary.guessing.value,
        "corrected": summary.corrected and summary.corrected.value,
        "facts": summary.file_facts and summary.file_facts.value,
        "random": summary.random_clips and summary.random_clips.value,
    }
    return {name: round(value, _DIGITS) for name, value in shares.items() if value is not None}


def _write_songs(summary: Summary, results: Path, table: Path) -> None:
    # DVC takes no title from the data. So the template of this plot, .dvc/plots/songs.json, shows a column.
    title = f"{summary.title}: songs never heard, by {summary.best}"
    verdicts = read_rows(verdicts_table(results, summary.best, summary.protocol))
    columns = ("label", "predicted")
    rows = [{"title": title} | {column: verdict[column] for column in columns} for verdict in verdicts]
    write_rows(table, ("title", *columns), rows)


def _copy_figures(summary: Summary, results: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [results / figure for figure in _FIGURES] + [confusion_picture(results, summary.best, "song")]
    for picture in pictures:
        shutil.copyfile(picture, folder / picture.name)
