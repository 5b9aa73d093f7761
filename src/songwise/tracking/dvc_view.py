"""What dvc.yaml points to: a file of metrics a model, and the best model's verdicts for DVC's confusion plot."""

from pathlib import Path

from songwise.files import read_rows, write_json, write_rows

NO_FIGURES = ("model", "features", "tied")


def write_dvc_view(*, results: Path, protocol: str, metrics: Path, verdicts: Path) -> None:
    """Write the leaderboard as `dvc metrics show` and `dvc plots show` want it.

    Parameters
    ----------
    results : results/DATASET, after `evaluate_models`.
    protocol : the honest one.
    metrics : folder for a MODEL@PRESET.json each, since DVC shows a line a file; other JSON files in it go.
    verdicts : CSV to write: label, predicted; a row a song and repeat.
    """
    board = read_rows(results / "leaderboard.csv")
    for former in metrics.glob("*.json"):
        former.unlink()
    for row in board:
        figures = {name: float(value) for name, value in row.items() if name not in NO_FIGURES and value}
        write_json(metrics / f"{row['model']}@{row['features']}.json", figures)
    best = f"{board[0]['model']}@{board[0]['features']}"
    write_rows(verdicts, ("label", "predicted"), read_rows(results / "models" / best / protocol / "songs.csv"))
