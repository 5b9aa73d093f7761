"""Stage 6, evaluate: every model's figures with intervals, the leaderboard, and what leakage would have claimed.

Intervals are percentiles of a bootstrap over the honest protocol's groups, whatever the protocol that they are of, so
that all models and protocols pair.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from songwise.errors import InputError
from songwise.evaluation.bootstrap import SIGNIFICANT, bootstrap_draws, compare, interval, select_corrected
from songwise.evaluation.calibration import expected_calibration_error, plot_reliability, reliability
from songwise.evaluation.confusion import plot_confusion, write_confusion
from songwise.evaluation.label_paths import at_level, depth
from songwise.evaluation.metrics import (
    Confusions,
    accuracy,
    balanced_accuracy,
    class_figures,
    codes,
    log_loss,
    macro_f1,
    roc_auc,
    top2_accuracy,
)
from songwise.evaluation.verdicts import RULES, labels_of, song_verdicts, verdicts_by_rule
from songwise.evaluation.votes import Units, read_units
from songwise.files import digest, read_json, read_rows, replacing, write_json, write_rows

LEVELS = ("clip", "song")
_OF_CONFUSIONS = {"accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "macro_f1": macro_f1}

LEADERBOARD_COLUMNS = (
    *("model", "features", "n_songs", "n_clips"),
    *("clip_accuracy", "clip_accuracy_low", "clip_accuracy_high", "clip_macro_f1"),
    *("song_accuracy", "song_accuracy_low", "song_accuracy_high", "song_macro_f1"),
    "fit_seconds",
    "n_groups",
    *("song_balanced_accuracy", "song_top2_accuracy", "song_log_loss", "song_auc", "song_ece"),
    *("p_best", "tied"),
)
LEAKAGE_COLUMNS = (
    *("model", "features", "protocol"),
    *("clip_accuracy", "clip_accuracy_low", "clip_accuracy_high"),
    *("song_accuracy", "song_accuracy_low", "song_accuracy_high"),
    *("inflation", "inflation_low", "inflation_high"),
)
RULE_COLUMNS = ("model", "features", "rule", "song_accuracy", "low", "high")
LEVEL_COLUMNS = (
    *("model", "features", "level"),
    *("clip_accuracy", "clip_accuracy_low", "clip_accuracy_high"),
    *("song_accuracy", "song_accuracy_low", "song_accuracy_high"),
    *("song_macro_f1", "n_labels"),
)
CLASS_COLUMNS = ("level", "label", "precision", "recall", "f1", "support")


class Evaluated(NamedTuple):
    """What is left of a model's evaluation for comparing it with others.

    Attributes
    ----------
    metrics : what metrics.json holds.
    hits, votes : shape (groups,), right and all votes of songs.
    bins : level to the bins of `calibration.reliability`.
    rules : rows of rules.csv, without the model's name.
    levels : rows of levels.csv likewise; none if no label has a path.
    top : songs by true and predicted first part of the label, and these labels; None if no label has a path.
    """

    metrics: dict
    hits: np.ndarray
    votes: np.ndarray
    bins: dict[str, np.ndarray]
    rules: list[dict]
    levels: list[dict]
    top: tuple[np.ndarray, list[str]] | None


def read_predictions(path: Path) -> pd.DataFrame:
    """predictions.csv as models wrote it."""
    text = dict.fromkeys(("clip_id", "track_id", "song", "label", "predicted"), str)
    return pd.read_csv(path, dtype=text, keep_default_na=False)


def evaluate_models(
    *,
    runs: dict[str, dict],
    protocols: list[str],
    tracks_csv: Path,
    duplicates_csv: Path,
    splits_csv: Path,
    seed: int,
    folder: Path,
) -> None:
    """Evaluate every model, rank them, and say which are within noise of the best.

    Writes below `folder`/models/MODEL@PRESET: PROTOCOL/songs.csv, metrics.json, params.json, classes.csv and the
    confusion matrices (CSV, PNG); in `folder`: leaderboard.csv (best song accuracy first), leakage.csv, rules.csv,
    levels.csv, headline.json, and of the best model confusion_top.csv and calibration.png.

    Parameters
    ----------
    runs : MODEL@PRESET to what params.json is to hold; data_key and run_key, a hash of it all, are added.
    protocols : the honest one first.
    tracks_csv : for the key of the data, and with duplicates_csv for what has one vote.
    splits_csv : for the groups that are drawn.
    seed : of the bootstrap.
    folder : results/DATASET.

    Raises
    ------
    InputError : a single group is tested, which says nothing of another.
    """
    data = data_key(tracks_csv)
    units = read_units(
        tracks_csv=tracks_csv, duplicates_csv=duplicates_csv, splits_csv=splits_csv, protocol=protocols[0]
    )
    draws = bootstrap_draws(len(units.groups), seed)
    found: dict[str, Evaluated] = {}
    for run, params in runs.items():
        place = folder / "models" / run
        found[run] = _evaluate_model(place, protocols, units, params, draws)
        params = params | {"data_key": data}
        write_json(place / "params.json", params | {"run_key": digest(params)})
        print(run, f"song accuracy {found[run].metrics['song_accuracy']:.3f}", sep="\t")
    ranked = sorted(
        runs, key=lambda run: (*(-found[run].metrics[f"{level}_accuracy"] for level in ("song", "clip")), run)
    )
    best = found[ranked[0]]
    if (best.votes > 0).sum() < 2:
        raise InputError(f"{splits_csv}: {protocols[0]} tests a single group; no figure follows from one")
    hits = np.array([found[run].hits for run in ranked])
    p_best = compare(hits, best.votes, 0, seed)
    tied = p_best >= SIGNIFICANT
    rows = [
        _row(run, found[run].metrics | {"p_best": float(p), "tied": str(bool(close)).lower()})
        for run, p, close in zip(ranked, p_best, tied, strict=True)
    ]
    write_rows(folder / "leaderboard.csv", LEADERBOARD_COLUMNS, rows)
    others = [run for run, close in zip(ranked, tied, strict=True) if close][1:]
    corrected = select_corrected(hits, best.votes, draws)
    write_json(folder / "headline.json", {"best": ranked[0], **rows[0], **corrected, "within_noise": others})
    leaks = [
        _row(run, found[run].metrics["protocols"][protocol] | {"protocol": protocol})
        for run in ranked
        for protocol in protocols
    ]
    write_rows(folder / "leakage.csv", LEAKAGE_COLUMNS, leaks)
    write_rows(folder / "rules.csv", RULE_COLUMNS, [_row(run, row) for run in ranked for row in found[run].rules])
    write_rows(folder / "levels.csv", LEVEL_COLUMNS, [_row(run, row) for run in ranked for row in found[run].levels])
    write_confusion(folder / "confusion_top.csv", *(best.top or (np.zeros((0, 0)), [])))
    plot_reliability(folder / "calibration.png", best.bins, title=ranked[0])


class _Scored(NamedTuple):
    """One model under one protocol.

    Attributes
    ----------
    tables : level to repeat, song, label, predicted and p_LABEL.
    confusions : level to its matrices.
    figures : names of metrics to values.
    drawn : level to the accuracy in each draw, shape (draws,).
    """

    tables: dict[str, pd.DataFrame]
    confusions: dict[str, Confusions]
    figures: dict[str, float]
    drawn: dict[str, np.ndarray]


def _evaluate_model(folder: Path, protocols: list[str], units: Units, params: dict, draws: np.ndarray) -> Evaluated:
    scored = {protocol: _score_protocol(folder / protocol, units, draws) for protocol in protocols}
    honest = scored[protocols[0]]
    clips, songs = honest.tables["clip"], honest.tables["song"]
    # A song is tested in one fold of a repeat, since the protocol is honest.
    songs["fold"] = clips.groupby(["repeat", "song"])["fold"].first().to_numpy()
    of_probabilities, bins = _probability_figures(honest.tables, units)
    metrics = {
        **honest.figures,
        **of_probabilities,
        "n_songs": clips["song"].map(units.vote_of).nunique(),
        "n_groups": clips["song"].map(units.group_of).nunique(),
        "n_clips": int(clips["clip_id"].nunique()),
        "fit_seconds": read_json(folder / protocols[0] / "fit.json")["fit_seconds"],
        "folds": _fold_figures(honest.tables),
        "protocols": {protocol: found.figures | _inflation(found, honest) for protocol, found in scored.items()},
    }
    write_json(folder / "metrics.json", metrics)
    labels = labels_of(clips)
    _write_classes(folder / "classes.csv", honest.confusions, labels)
    for level, confusions in honest.confusions.items():
        write_confusion(folder / f"confusion_{level}.csv", confusions.total, labels)
        title = f"{params['model']}@{params['features']}, {level}s\naccuracy {_in_words(metrics, level)}"
        plot_confusion(folder / f"confusion_{level}.png", confusions.total, labels, title=title, truth=params["label"])
    levels, top = _level_figures(clips, honest, units, draws)
    return Evaluated(
        metrics=metrics,
        hits=honest.confusions["song"].hits,
        votes=honest.confusions["song"].votes,
        bins=bins,
        rules=_rule_figures(clips, honest.confusions["song"], units, draws),
        levels=levels,
        top=top,
    )


def _score_protocol(folder: Path, units: Units, draws: np.ndarray) -> _Scored:
    clips = read_predictions(folder / "predictions.csv")
    songs = song_verdicts(clips)
    with replacing(folder / "songs.csv") as temporary:
        songs.to_csv(temporary, index=False, lineterminator="\n")
    return _score({"clip": clips, "song": songs}, units, draws)


def _score(tables: dict[str, pd.DataFrame], units: Units, draws: np.ndarray) -> _Scored:
    labels = labels_of(tables["clip"])
    confusions = {level: Confusions(table, units, labels) for level, table in tables.items()}
    figures, drawn = {}, {}
    for level, found in confusions.items():
        resampled = found.resampled(draws)
        for name, figure in _OF_CONFUSIONS.items():
            values = figure(resampled)
            low, high = interval(values)
            name = f"{level}_{name}"
            figures |= {name: float(figure(found.total)), f"{name}_low": low, f"{name}_high": high}
            if figure is accuracy:
                drawn[level] = values
    return _Scored(tables, confusions, figures, drawn)


def _inflation(audited: _Scored, honest: _Scored) -> dict[str, float]:
    # Of clip accuracy, the number that the field quotes; paired, since both saw the same draws.
    point = audited.figures["clip_accuracy"] - honest.figures["clip_accuracy"]
    low, high = interval(audited.drawn["clip"] - honest.drawn["clip"])
    return {"inflation": point, "inflation_low": low, "inflation_high": high}


def _probability_figures(
    tables: dict[str, pd.DataFrame], units: Units
) -> tuple[dict[str, float | None], dict[str, np.ndarray]]:
    figures, bins = {}, {}
    for level, table in tables.items():
        labels = labels_of(table)
        probabilities = table[[f"p_{label}" for label in labels]].to_numpy()
        y, predicted = codes(table["label"], labels), codes(table["predicted"], labels)
        votes = units.votes(table)
        fits = table.groupby(["repeat", "fold"]).ngroup().to_numpy()
        bins[level] = reliability(probabilities[np.arange(len(y)), predicted], predicted == y, votes)
        figures |= {
            f"{level}_top2_accuracy": top2_accuracy(y, predicted, probabilities, votes),
            f"{level}_log_loss": log_loss(y, probabilities, votes),
            f"{level}_auc": roc_auc(y, probabilities, fits, votes),
            f"{level}_ece": expected_calibration_error(bins[level]),
        }
    return figures, bins


def _fold_figures(tables: dict[str, pd.DataFrame]) -> list[dict]:
    labels = labels_of(tables["clip"])
    folds = tables["clip"][["repeat", "fold"]].drop_duplicates().sort_values(["repeat", "fold"])
    rows = [{"repeat": int(repeat), "fold": int(fold)} for repeat, fold in folds.to_numpy()]
    for level, table in tables.items():
        row_of = table.groupby(["repeat", "fold"]).ngroup().to_numpy()
        counts = np.zeros((len(rows), len(labels), len(labels)))
        np.add.at(counts, (row_of, codes(table["label"], labels), codes(table["predicted"], labels)), 1)
        for row, share, f1 in zip(rows, accuracy(counts), macro_f1(counts), strict=True):
            row |= {f"{level}_accuracy": float(share), f"{level}_macro_f1": float(f1)}
    return rows


def _rule_figures(clips: pd.DataFrame, verdict: Confusions, units: Units, draws: np.ndarray) -> list[dict]:
    rows = []
    labels = labels_of(clips)
    for rule, songs in verdicts_by_rule(clips).items():
        found = verdict if rule == RULES[0] else Confusions(songs, units, labels)
        low, high = interval(accuracy(found.resampled(draws)))
        rows.append({"rule": rule, "song_accuracy": float(accuracy(found.total)), "low": low, "high": high})
    return rows


def _level_figures(
    clips: pd.DataFrame, honest: _Scored, units: Units, draws: np.ndarray
) -> tuple[list[dict], tuple[np.ndarray, list[str]] | None]:
    last = depth(labels_of(clips))
    if last == 1:
        return [], None
    by_level = {}
    for level in range(1, last):
        cut = at_level(clips, level)
        by_level[level] = _score({"clip": cut, "song": song_verdicts(cut)}, units, draws)
    by_level[last] = honest
    rows = [
        {"level": level, **found.figures, "n_labels": len(labels_of(found.tables["clip"]))}
        for level, found in by_level.items()
    ]
    return rows, (by_level[1].confusions["song"].total, labels_of(by_level[1].tables["clip"]))


def _write_classes(path: Path, confusions: dict[str, Confusions], labels: list[str]) -> None:
    rows = []
    for level, found in confusions.items():
        figures = class_figures(found.total)
        rows += [
            {"level": level, "label": label} | {name: round(float(values[at]), 4) for name, values in figures.items()}
            for at, label in enumerate(labels)
        ]
    write_rows(path, CLASS_COLUMNS, rows)


def _in_words(metrics: dict, level: str) -> str:
    name = f"{level}_accuracy"
    return f"{metrics[name]:.2f} [{metrics[f'{name}_low']:.2f}, {metrics[f'{name}_high']:.2f}]"


def _row(run: str, figures: dict) -> dict:
    model, _, preset = run.partition("@")
    rounded = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in figures.items()
        if not isinstance(value, dict | list)
    }
    return {"model": model, "features": preset, **rounded}


def data_key(tracks_csv: Path) -> str:
    """A hash of what the figures were measured on, shared or not: the good tracks' bytes, labels and songs."""
    rows = read_rows(tracks_csv)
    return digest(
        [[row[name] for name in ("track_id", "label", "song", "sha256")] for row in rows if row["status"] == "ok"]
    )
