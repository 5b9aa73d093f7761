"""The tables of a finished run, in which every model has the same figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from songwise.files import write_json, write_rows
from songwise.paths import columns_of

GUESSING, FILE_FACTS, RANDOM_CLIPS, INFLATION = 0.4, 0.35, 0.95, 0.15
_ENDS = ("", "_low", "_high")


def write_result_tables(folder: Path, runs: Sequence[str], figures: Mapping[str, float], *, title: str) -> None:
    """Write what the summary of a run is read from, and the table of tracks, into results/DATASET.

    `runs` are MODEL@PRESET, best first. `figures` are those of each model, as in metrics.json.
    """
    board = [
        columns_of(run) | figures | {"p_best": 1, "tied": "true", "this_run": "true", "fit_share": 1} for run in runs
    ]
    write_rows(folder / "leaderboard.csv", list(board[0]), board)
    share = {f"song_accuracy{end}": figures[f"song_accuracy{end}"] for end in _ENDS}
    honest = share | {f"inflation{end}": 0 for end in _ENDS} | {"protocol": "by-song"}
    leaky = {f"song_accuracy{end}": RANDOM_CLIPS for end in _ENDS} | {f"inflation{end}": INFLATION for end in _ENDS}
    leakage = [columns_of(run) | row for run in runs for row in (honest, leaky | {"protocol": "random-clips"})]
    write_rows(folder / "leakage.csv", list(leakage[0]), leakage)
    facts = {"title": title, "label": "band", "protocol": "by-song", "guessing": GUESSING, "stale": {}}
    facts |= {"best": runs[0], "n_models": len(runs), "within_noise": list(runs[1:])}
    facts |= share | {f"corrected_{name}": value for name, value in share.items()}
    write_json(folder / "headline.json", facts | {name: figures[name] for name in ("n_songs", "n_clips")})
    write_json(
        folder / "shortcuts.json",
        {"accuracy": FILE_FACTS, "low": 0.3, "high": 0.4, "beats_chance": False, "finding": ""},
    )
    tracks = [{"track_id": f"t{i}", "label": "ABC"[i % 3], "status": "ok" if i else "failed"} for i in range(31)]
    write_rows(folder / "tracks.csv", list(tracks[0]), tracks)
