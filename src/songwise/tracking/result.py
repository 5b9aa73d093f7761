"""What the results contain about each model, for its run in MLflow.

Everything is read before anything is logged, so that a missing file does not leave an incomplete run.
"""

from dataclasses import dataclass
from pathlib import Path

from songwise.errors import InputError
from songwise.files import read_json, read_rows
from songwise.models.bundle import check_bundle
from songwise.paths import model_folder, protocol_folder, run_of
from songwise.report.summary import Summary, read_summary

IMAGES = ("confusion_song", "confusion_clip")  # keys of images in MLflow, and names of files
PICTURES = tuple(f"{name}.png" for name in IMAGES)
TABLES = tuple(f"{name}.csv" for name in IMAGES)


@dataclass(frozen=True)
class Entry:
    """A model's place in the results of its data set.

    Attributes
    ----------
    folder : Path
        The model's folder.
    place : int
        On the leaderboard, from 1.
    row : dict of str to str
        Its row of leaderboard.csv.
    leakage : list of dict
        Its rows of leakage.csv, one per protocol.
    params : dict
        params.json.
    metrics : dict
        metrics.json.
    """

    folder: Path
    place: int
    row: dict[str, str]
    leakage: list[dict[str, str]]
    params: dict
    metrics: dict

    @property
    def name(self) -> str:
        """MODEL@PRESET."""
        return self.folder.name


@dataclass(frozen=True)
class Fit:
    """A fitted model, and when it was fitted.

    Attributes
    ----------
    card : dict
        The bundle's description, with the names of its feature `columns`.
    start, end : float
        Unix times, in seconds. The time between them is what the fits took.
    """

    card: dict
    start: float
    end: float


def read_result(folder: Path) -> Summary:
    """Read the result of a run, which must be complete.

    Parameters
    ----------
    folder : Path
        Folder results/DATASET.

    Returns
    -------
    Summary
        The result.

    Raises
    ------
    InputError
        If an earlier version of songwise wrote it.
    """
    summary = read_summary(folder)
    if summary is None:
        raise InputError(
            f"{folder / 'headline.json'}: is missing or was written by an earlier version of songwise; "
            "run snakemake again"
        )
    return summary


def read_entries(folder: Path) -> dict[str, Entry]:
    """Read what is known about each model of the leaderboard, without the models themselves.

    Parameters
    ----------
    folder : Path
        Folder results/DATASET.

    Returns
    -------
    dict of str to Entry
        By MODEL@PRESET, most accurate first.

    Raises
    ------
    InputError
        If a file is missing, is not valid JSON, or was written by an earlier version of songwise.
    """
    leakage = read_rows(folder / "leakage.csv")
    entries = {}
    for place, row in enumerate(read_rows(folder / "leaderboard.csv"), start=1):
        run = run_of(row)
        home = model_folder(folder, run)
        own = [line for line in leakage if run_of(line) == run]
        params = _read_json(home / "params.json")
        if "data_key" not in params:
            raise InputError(
                f"{home / 'params.json'}: was written by an earlier version of songwise; run snakemake again"
            )
        entries[str(run)] = Entry(home, place, row, own, params, _read_json(home / "metrics.json"))
    return entries


def read_fit(entry: Entry, results: Path, protocol: str) -> Fit:
    """Read a fitted model, and check that the files that are logged with it exist.

    Parameters
    ----------
    entry : Entry
        The model.
    results : Path
        Folder results/DATASET.
    protocol : str
        The leaderboard's.

    Returns
    -------
    Fit
        Its end is the time of fit.json.

    Raises
    ------
    InputError
        If a file is missing, or the model cannot be read.
    """
    card = check_bundle(entry.folder / "bundle")
    for name in (*PICTURES, *TABLES):
        if not (entry.folder / name).exists():
            raise InputError(f"{entry.folder / name}: is missing; run snakemake again")
    try:
        end = (protocol_folder(results, entry.name, protocol) / "fit.json").stat().st_mtime
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}); run snakemake again") from None
    return Fit(card, end - entry.metrics["fit_seconds"], end)


def _read_json(path: Path) -> dict:
    try:
        return read_json(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); run snakemake again") from None
