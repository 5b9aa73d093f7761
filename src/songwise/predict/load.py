"""Find and load a model: by the results of a data set, by the model's own folder, or from MLflow's registry."""

from pathlib import Path

from songwise.errors import InputError
from songwise.paths import champion_folder
from songwise.predict.layout import CARD
from songwise.predict.model import SongModel
from songwise.predict.registered import REGISTRY, fetch_registered

_NOT_RUN = "run snakemake --config dataset=NAME first"


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
