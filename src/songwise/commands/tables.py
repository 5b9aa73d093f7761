"""Files of a finished run, read and checked: what is damaged ends with one sentence."""

import csv
import math
from collections.abc import Collection
from pathlib import Path

from songwise.errors import InputError
from songwise.evaluation.columns import LEADERBOARD_COLUMNS, LEAKAGE_COLUMNS
from songwise.files import DamagedFileError, read_json, read_rows
from songwise.report.summary import Summary, read_summary

_BOUNDS = ("song_accuracy", "song_accuracy_low", "song_accuracy_high")
_HEADLINE = ("best", "guessing", "title", "label", "protocol", "seed", "n_songs", "n_clips", "within_noise", "stale")
_CORRECTED = tuple(f"corrected_{name}" for name in _BOUNDS)


def record(path: Path, keys: Collection[str] = ()) -> dict:
    """Return the content of a JSON file of a run.

    Parameters
    ----------
    path : Path
        The file.
    keys : collection of str, optional
        Keys that it must have.

    Returns
    -------
    dict
        Its content.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    try:
        content = read_json(path)
    except (OSError, ValueError, RecursionError) as error:
        raise _unusable(path, error) from None
    if not isinstance(content, dict):
        raise DamagedFileError(path, "it has no keys")
    for key in keys:
        if key not in content:
            raise DamagedFileError(path, f"the key {key} is missing")
    return content


def table(path: Path, columns: Collection[str], numbers: Collection[str] = ()) -> list[dict[str, str]]:
    """Return the rows of a CSV of a run.

    Parameters
    ----------
    path : Path
        The file.
    columns : collection of str
        Columns that every row must have.
    numbers : collection of str, optional
        Those of them that must be finite numbers.

    Returns
    -------
    list of dict
        Column to text.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    try:
        rows = read_rows(path)
    except (OSError, ValueError, csv.Error) as error:
        raise _unusable(path, error) from None
    for number, row in enumerate(rows, start=2):
        for column in columns:
            if row.get(column) is None:
                raise DamagedFileError(path, f"line {number} has no {column}")
        for column in numbers:
            if not _is_number(row[column]):
                raise DamagedFileError(path, f"line {number}: {column} '{row[column]}' is not a number")
    return rows


def leaderboard(results: Path) -> list[dict[str, str]]:
    """Return the rows of the leaderboard, the best one first.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    numbers = (*_BOUNDS, "clip_accuracy", "p_best", "fit_seconds", "fit_share")
    rows = table(results / "leaderboard.csv", LEADERBOARD_COLUMNS, numbers)
    if not rows:
        raise DamagedFileError(results / "leaderboard.csv", "it has no rows")
    return rows


def summary(results: Path) -> Summary:
    """Return the result of a run, after a check of the files that it is read from.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.

    Raises
    ------
    InputError
        If one of them is missing or damaged, or was written by an earlier version.
    """
    facts = record(results / "headline.json")
    if "n_models" not in facts:
        raise InputError(
            f"{results / 'headline.json'} was written by an earlier version of songwise. Run snakemake "
            f"--config dataset={results.name} again: no model is trained again because of this"
        )
    record(results / "headline.json", (*_HEADLINE, *_BOUNDS, *_CORRECTED))
    leaderboard(results)
    table(results / "leakage.csv", LEAKAGE_COLUMNS, _BOUNDS)
    record(results / "champion" / "card.json", ("model", "clip"))
    if (results / "shortcuts.json").is_file():
        record(results / "shortcuts.json", ("accuracy", "low", "high", "finding"))
    if (results / "standardised.csv").is_file():
        numbers = ("raw", "standardised", "difference", "low", "high")
        table(results / "standardised.csv", ("model", "features", "standardised_features", *numbers), numbers)
    return read_summary(results)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _unusable(path: Path, error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path} is missing. Run snakemake again, which makes it")
    if isinstance(error, OSError):
        return InputError(f"{path} cannot be read ({error.strerror})")
    return DamagedFileError(path, str(error).partition("\n")[0])
