"""The data sets whose runs have finished.

Light: commands that only show results import it, and not what classifies.
"""

from pathlib import Path

from songwise.errors import InputError, suggestion
from songwise.paths import RESULTS


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
    cards = {path.parent.parent.name: path for path in RESULTS.glob("*/champion/card.json")}
    if not cards:
        raise InputError(f"{RESULTS}: contains no champion. Run snakemake in the project's folder first")
    if name is None:
        name = max(cards, key=lambda dataset: cards[dataset].stat().st_mtime_ns)
    elif name not in cards:
        raise InputError(f"results/{name}: has no champion{suggestion(name, sorted(cards))}")
    return RESULTS / name, sorted(cards.keys() - {name})
