"""Ask Snakemake which shared tables are up to date, and record them as done."""

import sys
from collections.abc import Iterable
from pathlib import Path

from songwise.errors import InputError
from songwise.paths import Run
from songwise.sharing.program import run_quietly


def is_up_to_date(name_or_path: str, presets: Iterable[str], targets: list[Path]) -> bool:
    """Return whether Snakemake would make none of the files again.

    Parameters
    ----------
    name_or_path : str
        The data set as named on the command line.
    presets : iterable of str
        Presets of the tables of features among the files.
    targets : list of Path
        Outputs of rules.

    Returns
    -------
    bool
        False if at least one is missing or out of date.

    Raises
    ------
    InputError
        If Snakemake fails.
    """
    return "Nothing to be done" in _snakemake("--dry-run", *_plan(name_or_path, presets, targets))


def touch(name_or_path: str, presets: Iterable[str], targets: list[Path]) -> None:
    """Have Snakemake record files as made by the current code and config.

    Parameters
    ----------
    name_or_path : str
        The data set as named on the command line.
    presets : iterable of str
        Presets of the tables of features among the files.
    targets : list of Path
        Outputs of rules.

    Raises
    ------
    InputError
        If Snakemake fails.
    """
    _snakemake("--touch", "--force", *_plan(name_or_path, presets, targets))


def _plan(name_or_path: str, presets: Iterable[str], targets: list[Path]) -> list[str]:
    # The baseline model accepts every preset, so that there are rules for the tables of exactly these presets.
    models = ",".join(str(Run("majority", preset)) for preset in presets) or "majority"
    return [*map(str, targets), "--cores", "1", "--config", f"dataset={name_or_path}", f"models=[{models}]"]


def _snakemake(*words: str) -> str:
    code, output = run_quietly([sys.executable, "-m", "snakemake", *words])
    if code:
        lines = [line for line in output.splitlines() if line.strip()]
        messages = [line.partition("songwise: ")[2] for line in lines if "songwise: " in line]
        reason = (messages or lines[-1:] or ["it failed without an error message"])[0]
        raise InputError(f"snakemake {words[0]}: {reason}")
    return output
