"""DVC's view of the results, to which dvc.yaml points: metrics of each model, and the best model's verdicts."""

from pathlib import Path

from songwise.files import read_rows, write_json, write_rows
from songwise.paths import run_of, verdicts_table

_VERDICT_COLUMNS = ("label", "predicted")
_WORDS = ("model", "features", "tied", "this_run")  # columns of the leaderboard that are not numbers


def write_dvc_view(*, results: Path, protocol: str, metrics: Path, verdicts: Path) -> None:
    """Write the leaderboard in the form that `dvc metrics show` and `dvc plots show` need.

    Parameters
    ----------
    results : Path
        Folder results/DATASET, after `evaluate_models`.
    protocol : str
        The honest one.
    metrics : Path
        Folder for one MODEL@PRESET.json per model, because DVC shows one line per file. Its other JSON files are
        removed.
    verdicts : Path
        CSV to write, one row per song and repeat, with the columns label and predicted.
    """
    leaderboard = read_rows(results / "leaderboard.csv")
    for former in metrics.glob("*.json"):
        former.unlink()
    for row in leaderboard:
        figures = {name: float(value) for name, value in row.items() if name not in _WORDS and value}
        write_json(metrics / f"{run_of(row)}.json", figures)
    write_rows(verdicts, _VERDICT_COLUMNS, read_rows(verdicts_table(results, run_of(leaderboard[0]), protocol)))
