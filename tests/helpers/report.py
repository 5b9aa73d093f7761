"""Results of a run that tests of the page make themselves, small or large."""

from pathlib import Path

import numpy as np

from helpers.project import ROOT
from songwise.evaluation.columns import CLASS_COLUMNS
from songwise.files import write_json, write_rows
from songwise.paths import columns_of
from songwise.report.page import render_report

PROTOCOL = "by-song"
TEMPLATES = ROOT / "workflow/report/page"
LABELS = ["jazz", "metal", "pop"]


def make_results(
    folder: Path,
    *,
    labels: list[str] = LABELS,
    per_class: int = 6,
    runs: tuple[str, ...] = ("best@a", "other@b", "third@a"),
    repeats: int = 3,
    protocols: tuple[str, ...] = (PROTOCOL, "random-clips"),
    audio: bool = True,
    wrong: float = 0.25,
) -> Path:
    """Write all tables that the page reads; song N of class L is "L:N".

    Each model errs in its own way, the first one for the share `wrong` of the songs. The leaderboard's figures are made
    up: 76 % and 3 points less per place.
    """
    songs = [(label, f"{label}:{number}") for label in labels for number in range(per_class)]
    write_tracks(folder, songs)
    write_rows(folder / "duplicates.csv", ["track_id", "other_track_id", "similarity", "same_label", "overlap"], [])
    board = []
    for number, run in enumerate(runs):
        rng = np.random.default_rng(number)
        table = _verdicts(songs, labels, repeats, wrong * (1 + number / len(runs)), rng)
        _write_model(folder, run, labels, table)
        board.append(_board_row(run, 0.76 - 0.03 * number, number, len(songs)))
    write_rows(folder / "leaderboard.csv", board[0], board)
    _write_headline(folder, board, labels, runs)
    _write_leakage(folder, board, protocols)
    _write_studies(folder, songs, runs[0])
    if audio:
        write_shortcuts(folder)
        write_champion(folder, runs[0])
    return folder


def render(results: Path, **options) -> Path:
    """Render the page of results that `make_results` wrote."""
    options = {
        "templates": TEMPLATES,
        "folder": results,
        "protocols": [PROTOCOL, "random-clips"],
        "recipe": None,
        "titles": {},
        "command": "snakemake --config dataset=mine",
        "portraits": None,
        "output": results / "report.html",
    } | options
    render_report(**options)
    return options["output"]


def write_tracks(folder: Path, songs: list[tuple[str, str]], **values: str) -> None:
    """Write tracks.csv, one track per song, with equal values of further columns."""
    rows = [
        {"track_id": song.replace(":", "-"), "label": label, "song": song, "artist": "", "status": "ok", "reason": ""}
        | {"title": "", "url": "", "audio_sha256": f"{number:x}"}
        | values
        for number, (label, song) in enumerate(songs)
    ]
    write_rows(folder / "tracks.csv", rows[0], rows)


def write_verdicts(folder: Path, run: str, rows: list[dict]) -> None:
    """Write a model's songs.csv."""
    write_rows(folder / "models" / run / PROTOCOL / "songs.csv", rows[0], rows)


def write_shortcuts(folder: Path, accuracy: float = 0.4) -> None:
    """Write the audit of the files, which alone identify this share of the songs."""
    feature = {"name": "bit_rate", "fall": 0.1, "fall_low": 0.05, "fall_high": 0.2, "tells": True}
    feature |= {"alone": 0.35, "alone_low": 0.3, "alone_high": 0.4}
    facts = {"accuracy": accuracy, "low": accuracy - 0.05, "high": accuracy + 0.05, "beats_chance": True}
    write_json(folder / "shortcuts.json", facts | {"finding": "Bit rate alone identifies some.", "features": [feature]})


def write_champion(folder: Path, run: str) -> None:
    """Write the champion's card."""
    card = {"model": run, "clip": {"seconds": 10}, "reason": "It is the best.", "milliseconds": 1.5}
    card |= {"song_accuracy": 0.7, "song_accuracy_low": 0.6, "song_accuracy_high": 0.8, "git_commit": "abc123-dirty"}
    card["calibration"] = {"song": {"ece_before": 0.09, "ece_after": 0.04}}
    write_json(folder / "champion/card.json", card)


def _verdicts(songs, labels, repeats, wrong, rng) -> list[dict]:
    table = []
    for repeat in range(repeats):
        for label, song in songs:
            predicted = str(rng.choice(labels)) if rng.random() < wrong else label
            rest = 0.3 / max(1, len(labels) - 1)
            table.append(
                {"repeat": repeat, "song": song, "label": label, "predicted": predicted}
                | {f"p_{name}": 0.7 if name == predicted else rest for name in labels}
            )
    return table


def _write_model(folder: Path, run: str, labels: list[str], table: list[dict]) -> None:
    place = {label: number for number, label in enumerate(labels)}
    matrix, repeats = np.zeros((len(labels), len(labels))), len({row["repeat"] for row in table})
    for row in table:
        matrix[place[row["label"]], place[row["predicted"]]] += 1 / repeats
    write_verdicts(folder, run, table)
    for level, factor in (("song", 1), ("clip", 10)):
        rows = [
            {"label": label} | dict(zip(labels, np.round(factor * row, 3), strict=True))
            for label, row in zip(labels, matrix, strict=True)
        ]
        write_rows(folder / "models" / run / f"confusion_{level}.csv", ["label", *labels], rows)
    classes = [
        dict(zip(CLASS_COLUMNS, (level, label, 0.5, 0.6, 0.55, matrix[place[label]].sum()), strict=True))
        for level in ("clip", "song")
        for label in labels
    ]
    write_rows(folder / "models" / run / "classes.csv", CLASS_COLUMNS, classes)
    split = {"folds": 5, "repeats": 3, "held_out": None}
    write_json(folder / "models" / run / "params.json", {"data_key": "0123456789abcdef", "split": split, "seed": 7})


def _board_row(run: str, hits: float, number: int, n_songs: int) -> dict:
    shares = {}
    for level, share in (("song", hits), ("clip", hits - 0.1)):
        shares |= {f"{level}_accuracy": share, f"{level}_accuracy_low": share - 0.05}
        shares |= {f"{level}_accuracy_high": min(1, share + 0.05), f"{level}_macro_f1": share}
    return (
        columns_of(run)
        | shares
        | {"n_songs": n_songs, "n_clips": 10 * n_songs, "n_groups": n_songs}
        | {"fit_seconds": 12.5 - number, "fit_share": 0.08 if number == 2 else 1.0}
        | {"song_balanced_accuracy": hits, "song_top2_accuracy": 0.95, "song_log_loss": 0.5, "song_auc": 0.9}
        | {"song_ece": 0.1, "p_best": 1.0 if number < 2 else 0.004}
        | {"tied": str(number < 2).lower(), "this_run": str(number != 1).lower()}
    )


def _write_headline(folder: Path, board: list[dict], labels: list[str], runs: tuple[str, ...]) -> None:
    best = board[0]
    facts = {key: best[key] for key in ("n_songs", "n_clips", "n_groups")}
    facts |= {key: value for key, value in best.items() if key.startswith("song_accuracy")}
    facts |= {f"corrected_{key}": value - 0.02 for key, value in facts.items() if key.startswith("song_accuracy")}
    facts |= {"title": "My songs", "label": "genre", "protocol": PROTOCOL, "seed": 7, "guessing": 1 / len(labels)}
    facts |= {"best": runs[0], "n_models": len(runs), "stale": {}, "within_noise": list(runs[1:2])}
    write_json(folder / "headline.json", facts)


def _write_leakage(folder: Path, board: list[dict], protocols: tuple[str, ...]) -> None:
    rows = []
    for row in board:
        for number, protocol in enumerate(protocols):
            shares = {
                key: value for key, value in row.items() if "accuracy" in key and key.startswith(("song", "clip"))
            }
            if number:
                bounds = {"": 0.97, "_low": 0.95, "_high": 0.99}
                shares |= {f"{level}_accuracy{end}": at for level in ("song", "clip") for end, at in bounds.items()}
            points = {"inflation": 0.2 * number, "inflation_low": 0.1 * number, "inflation_high": 0.3 * number}
            rows.append({"model": row["model"], "features": row["features"], "protocol": protocol} | shares | points)
    write_rows(folder / "leakage.csv", rows[0], rows)


def _write_studies(folder: Path, songs: list[tuple[str, str]], run: str) -> None:
    sizes = ((8, 0.412), (16, 0.613), (32, 0.713))
    curve = [
        {
            "songs_per_class": size,
            "n_train_songs": size,
            "song_accuracy": share,
            "low": share - 0.1,
            "high": share + 0.1,
        }
        for size, share in sizes
    ]
    write_rows(folder / "learning_curve.csv", curve[0], curve)
    falls = [{"family": "mfcc", "columns": 26, "fall": 0.3, "low": 0.2, "high": 0.4}]
    write_rows(folder / "importance.csv", falls[0], falls)
    rise = curve[1] | {"rise": 0.1, "low": 0.02, "high": 0.18}
    write_json(folder / "study.json", {"run": run, "swaps": 5, "whole": curve[2], "rise": rise})
    bins = [
        columns_of(run) | {"level": level, "bin": 9, "votes": 5, "confidence": 0.6, "right": 0.5}
        for level in ("clip", "song")
    ]
    write_rows(folder / "calibration.csv", bins[0], bins)
    found = {"method": "kmeans", "clusters": 3, "noise": 0, "ari": 0.4, "nmi": 0.5, "ari_first": "", "nmi_first": ""}
    write_rows(folder / "clusters.csv", [*found, "silhouette"], [found | {"silhouette": 0.1}])
    write_json(
        folder / "clusters.json",
        {"features": "a", "components": 5, "variance": 0.9, "songs": len(songs), "all_songs": len(songs)},
    )
    places = [
        {"song": song, "label": label, "x": number % 7, "y": number % 5}
        for number, (label, song) in enumerate(songs[:5000])
    ]
    write_rows(folder / "song_clusters.csv", places[0], places)
