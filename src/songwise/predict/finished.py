"""The data sets whose runs have finished, and the rows of their leaderboards.

Light: commands that only show results import it, and not what classifies.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from songwise.errors import InputError, suggestion
from songwise.paths import RESULTS, Run, run_of


def finished_runs() -> dict[str, Path]:
    """Return the card of the champion of each data set that has one, by the data set's name."""
    return {path.parent.parent.name: path for path in RESULTS.glob("*/champion/card.json")}


def choose_dataset(name: str | None) -> tuple[Path, list[str]]:
    """Return the results to use: those of a data set, or of the last run.

    Parameters
    ----------
    name : str or None
        Name of a data set. If None, the data set whose champion was made last.

    Returns
    -------
    results : Path
        Folder results/NAME.
    others : list of str
        Other data sets that have a champion.

    Raises
    ------
    InputError
        If no run has finished, or none of this data set.
    """
    cards = finished_runs()
    if not cards:
        raise InputError(f"{RESULTS}: contains no champion. Run snakemake in the project's folder first")
    if name is None:
        name = max(cards, key=lambda dataset: cards[dataset].stat().st_mtime_ns)
    elif name not in cards:
        raise InputError(f"results/{name}: has no champion{suggestion(name, sorted(cards))}")
    return RESULTS / name, sorted(cards.keys() - {name})


def choose_run(name: str, rows: Sequence[Mapping[str, str]], results: Path) -> Run:
    """Return the row that is meant.

    Parameters
    ----------
    name : str
        MODEL@PRESET, or MODEL if the leaderboard has it on one preset only.
    rows : sequence of mapping
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
