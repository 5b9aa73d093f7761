"""The figures of the default runs that README.md and docs/results.md quote, as small files in docs/measured.

They have the names and columns of the files in results/DATASET, so songwise reads both in the same way. What nobody
quotes is left out, and so are durations, which differ from run to run.
"""

from pathlib import Path

from songwise.errors import InputError
from songwise.files import read_json, read_rows, write_json, write_rows
from songwise.paths import results_folder
from songwise.report.board import fusions
from songwise.report.summary import read_summary

DATASETS = ("demo", "open-music")  # of the default runs
MEASURED = Path("docs/measured")

_SHARES = [f"{level}_accuracy{bound}" for level in ("song", "clip") for bound in ("", "_low", "_high")]
_COLUMNS = {
    "leaderboard.csv": ["model", "features", *_SHARES, "fit_share", "tied", "this_run"],
    "leakage.csv": ["model", "features", "protocol", *_SHARES, "inflation", "inflation_low", "inflation_high"],
    "standardised.csv": [
        *("model", "features", "standardised_features", "raw", "standardised", "difference", "low", "high", "baseline"),
        *(f"{share}gain{bound}" for share in ("", "standardised_") for bound in ("", "_low", "_high")),
    ],
    "novelty.csv": ["label", "n_songs", "auroc", "auroc_low", "auroc_high", "refused"],
    "similar.csv": ["space", "distance", "k", "precision", "low", "high", "chance"],
}
_KEYS = {
    "headline.json": [
        *("title", "label", "protocol", "best", "n_songs", "n_clips", "n_models", "guessing", "within_noise", "stale"),
        *(f"{share}_accuracy{bound}" for share in ("song", "corrected_song") for bound in ("", "_low", "_high")),
    ],
    "shortcuts.json": [
        *("accuracy", "low", "high", "beats_chance", "finding"),
        *("heard", "heard_low", "heard_high", "features"),
    ],
    "champion/card.json": ["model", "clip", "calibration", "novelty"],
}


def copy_facts(root: Path, dataset: str) -> None:
    """Copy what the documentation quotes from a finished run.

    Parameters
    ----------
    root : Path
        The project's folder.
    dataset : str
        One of `DATASETS`.

    Raises
    ------
    InputError
        If the data set has not run, or if its leaderboard also has models of other runs.
    """
    results, facts = root / results_folder(dataset), root / MEASURED / dataset
    _require_default_run(results)
    for name, columns in _COLUMNS.items():
        write_rows(facts / name, columns, [{key: row[key] for key in columns} for row in read_rows(results / name)])
    for name, keys in _KEYS.items():
        content = read_json(results / name)
        write_json(facts / name, {key: content[key] for key in keys})
    weights = _mean_weights(results, read_json(results / "headline.json")["best"])
    write_rows(facts / "weights.csv", ["member", "weight"], weights)


def _require_default_run(results: Path) -> None:
    summary = read_summary(results)
    if summary is None:
        raise InputError(f"{results}: no finished run; `make results` makes it")
    others = [row for row in read_rows(results / "leaderboard.csv") if row["this_run"] != "true"]
    if others or summary.stale:
        raise InputError(f"{results} also has models of other runs. Remove the folder and run `make results` again")


def _mean_weights(results: Path, best: str) -> list[dict]:
    """Return the mean weight of each member of the best model, the largest first; none if it is no fusion."""
    return [
        {"member": member["name"], "weight": f"{member['mean']:.4f}"}
        for fusion in fusions(results, [best], read_summary(results).protocol)
        for member in fusion["members"]
    ]
