"""The row of a leaderboard that a user names."""

from collections.abc import Sequence
from pathlib import Path

from songwise.errors import InputError, suggestion
from songwise.paths import Run, run_of


def choose_run(name: str, rows: Sequence[dict[str, str]], results: Path) -> Run:
    """Return the row that is meant.

    Parameters
    ----------
    name : str
        MODEL@PRESET, or MODEL if the leaderboard has it on one preset only.
    rows : sequence of dict
        Rows of the leaderboard.
    results : Path
        Folder results/DATASET, for messages.

    Returns
    -------
    Run
        A model on a preset.

    Raises
    ------
    InputError
        If there is no such row, or several.
    """
    runs = [run_of(row) for row in rows]
    matching = [run for run in runs if name in (str(run), run.model)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise InputError(f"{name} ran on several presets; choose one of {', '.join(map(str, matching))}")
    hint = suggestion(name, [str(run) for run in runs])
    raise InputError(f"'{name}' is not on the leaderboard of {results.name}{hint}")
