"""The project's folder, and the finished run that a command is about."""

from pathlib import Path

from songwise.commands.say import say
from songwise.errors import InputError, suggestion
from songwise.predict.finished import choose_dataset, finished_runs

SNAKEFILE = Path("Snakefile")
CONFIG = Path("config")
DATASETS = CONFIG / "datasets"


def require_project() -> None:
    """Check that the current folder is a project.

    Raises
    ------
    InputError
        If it has no Snakefile.
    """
    if not SNAKEFILE.is_file():
        raise InputError(
            f"{Path.cwd()} is not the folder of a songwise project (it has no Snakefile); change to that folder and "
            "run the command again"
        )


def require_folder(folder: Path) -> None:
    """Check that the current folder has what a command reads or writes, which a copy of a project may have alone.

    Parameters
    ----------
    folder : Path
        Such as results/ or config/.

    Raises
    ------
    InputError
        If it has neither this folder nor a Snakefile.
    """
    if not folder.is_dir():
        require_project()


def finished_run(name: str | None, command: str) -> Path:
    """Return the results that a command is about.

    Parameters
    ----------
    name : str or None
        A data set; None for the one that ran last.
    command : str
        The command, such as "show", for the hint how to ask for another data set.

    Returns
    -------
    Path
        Folder results/NAME.

    Raises
    ------
    InputError
        If no run has finished, or none of this data set. The message says what to run.
    """
    require_project()
    if name is not None:
        _check_ran(name)
    elif not finished_runs():
        raise InputError("no run has finished in this folder. Run snakemake first, which needs no download")
    results, others = choose_dataset(name)
    if others and name is None:
        say(f"the last run, {results.name}; for another one: songwise {command} {' or '.join(others)}")
    return results


def known_datasets() -> list[str]:
    """Return the names of the files in config/datasets, sorted."""
    return sorted(path.stem for path in DATASETS.glob("*.yaml"))


def _check_ran(name: str) -> None:
    finished = finished_runs()
    if name in finished:
        return
    if name in known_datasets():
        raise InputError(f"no run of {name} has finished. Run snakemake --config dataset={name} first")
    raise InputError(f"there is no data set '{name}'{suggestion(name, sorted({*finished, *known_datasets()}))}")


def short_path(path: Path | str) -> str:
    """Return a path as people write it: relative to the current folder, or with ~ for their own folder.

    Parameters
    ----------
    path : path-like
        A file or folder.
    """
    absolute = Path(path).absolute()
    if absolute.is_relative_to(Path.cwd()):
        return str(absolute.relative_to(Path.cwd()))
    home = Path.home()
    return f"~/{absolute.relative_to(home)}" if absolute.is_relative_to(home) else str(absolute)
