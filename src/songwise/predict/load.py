"""Find and load a model: by the results of a data set, by the model's own folder, or from MLflow's registry."""

from pathlib import Path

from songwise.errors import InputError, suggestion
from songwise.paths import RESULTS, champion_folder
from songwise.predict.layout import CARD
from songwise.predict.model import SongModel
from songwise.predict.registered import REGISTRY, fetch_registered

_NOT_RUN = "run snakemake --cores all --config dataset=NAME first"


def load(where: str | Path, *, max_seconds: float | None = None) -> SongModel:
    """Load the model of a finished run.

    Nothing in the model's files is executed.

    Parameters
    ----------
    where : path-like or str
        results/NAME, a model's own folder such as results/NAME/champion, or models:/NAME@champion in MLflow's
        registry.
    max_seconds : float, optional
        Length of the longest song that is accepted; by default that of the model's data set.

    Returns
    -------
    SongModel
        Ready to listen.

    Raises
    ------
    InputError
        If there is no model, or it cannot be used.
    """
    if str(where).startswith(REGISTRY):
        return SongModel.read(fetch_registered(str(where)), max_seconds=max_seconds)
    return SongModel.read(find_folder(Path(where)), max_seconds=max_seconds)


def find_folder(where: Path) -> Path:
    """Return the model's folder that a path means.

    Parameters
    ----------
    where : Path
        results/NAME, or a model's own folder.

    Returns
    -------
    Path
        A folder with a model card.

    Raises
    ------
    InputError
        If there is no model card.
    """
    for folder in (where, champion_folder(where)):
        if (folder / CARD).is_file():
            return folder
    if not where.is_dir():
        raise InputError(f"{where}: there is no such folder; {_NOT_RUN}")
    raise InputError(f"{where}: contains no model, because no run of it has finished; {_NOT_RUN}")


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
