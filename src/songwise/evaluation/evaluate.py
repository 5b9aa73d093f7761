"""Evaluate one model: its metrics under each protocol, with intervals.

Intervals are percentiles of a bootstrap over the honest protocol's groups. All protocols and models share the same
draws, so that they pair.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from songwise.evaluation.bootstrap import interval
from songwise.evaluation.calibration import expected_calibration_error, reliability
from songwise.evaluation.columns import CLASS_COLUMNS
from songwise.evaluation.confusion import Confusions, write_confusion
from songwise.evaluation.label_paths import at_level, depth
from songwise.evaluation.metrics import (
    accuracy,
    balanced_accuracy,
    class_figures,
    log_loss,
    macro_f1,
    roc_auc,
    top2_accuracy,
)
from songwise.evaluation.predictions import codes, labels_of, probabilities_of, read_predictions
from songwise.evaluation.verdicts import RULES, song_verdicts, verdicts_by_rule
from songwise.evaluation.votes import Units
from songwise.files import read_json, replacing, write_json, write_rows
from songwise.paths import confusion_table, metrics_file, model_folder, protocol_folder, verdicts_table

_OF_CONFUSIONS = {"accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "macro_f1": macro_f1}


class Evaluation(NamedTuple):
    """The part of a model's evaluation that is compared with other models.

    Attributes
    ----------
    metrics : dict
        Content of metrics.json.
    hits, votes : ndarray of float, shape (groups,)
        Votes of songs that are right, and all votes.
    bins : dict of str to ndarray of float, shape (BINS, 3)
        Level, "clip" or "song", to its bins (`calibration.reliability`).
    rules : list of dict
        Rows of rules.csv, without the model.
    levels : list of dict
        Rows of levels.csv, without the model; empty if no label has a path.
    top : tuple of ndarray and list of str, or None
        Confusion matrix of the songs by the first part of the label, and these parts; None if no label has a path.
    """

    metrics: dict
    hits: np.ndarray
    votes: np.ndarray
    bins: dict[str, np.ndarray]
    rules: list[dict]
    levels: list[dict]
    top: tuple[np.ndarray, list[str]] | None


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


def evaluate_model(results: Path, run: str, protocols: list[str], units: Units, draws: np.ndarray) -> Evaluation:
    """Evaluate one model under every protocol.

    Writes metrics.json, classes.csv, confusion_LEVEL.csv and PROTOCOL/songs.csv into the model's folder.

    Parameters
    ----------
    results : Path
        Folder results/DATASET, with predictions.csv and fit.json of the model under each protocol.
    run : str
        The model, as MODEL@PRESET.
    protocols : list of str
        The honest one first.
    units : Units
        Votes and groups of the songs.
    draws : ndarray of int, shape (draws, groups)
        From `bootstrap_draws`.

    Returns
    -------
    Evaluation
        What `evaluate_models` compares.
    """
    scored = {protocol: _score_protocol(results, run, protocol, units, draws) for protocol in protocols}
    honest = scored[protocols[0]]
    clips, songs = honest.tables["clip"], honest.tables["song"]
    # An honest protocol tests all clips of a song in the same fold of a repeat.
    songs["fold"] = clips.groupby(["repeat", "song"])["fold"].first().to_numpy()
    of_probabilities, bins = _probability_figures(honest.tables, units)
    fit = read_json(protocol_folder(results, run, protocols[0]) / "fit.json")
    metrics = {
        **honest.figures,
        **of_probabilities,
        "n_songs": clips["song"].map(units.vote_of).nunique(),
        "n_groups": clips["song"].map(units.group_of).nunique(),
        "n_clips": int(clips["clip_id"].nunique()),
        "fit_seconds": fit["fit_seconds"],
        "fit_share": fit["fit_share"],
        "folds": _fold_figures(honest.tables),
        "protocols": {protocol: score.figures | _inflation(score, honest) for protocol, score in scored.items()},
    }
    write_json(metrics_file(results, run), metrics)
    _write_by_class(results, run, honest.confusions, labels_of(clips))
    levels, top = _level_figures(clips, honest, units, draws)
    verdicts = honest.confusions["song"]
    rules = _rule_figures(clips, verdicts, units, draws)
    return Evaluation(metrics, verdicts.hits, verdicts.votes, bins, rules, levels, top)


def _score_protocol(results: Path, run: str, protocol: str, units: Units, draws: np.ndarray) -> _Scored:
    clips = read_predictions(protocol_folder(results, run, protocol) / "predictions.csv")
    songs = song_verdicts(clips)
    with replacing(verdicts_table(results, run, protocol)) as temporary:
        songs.to_csv(temporary, index=False, lineterminator="\n")
    return _score({"clip": clips, "song": songs}, units, draws)


def _score(tables: dict[str, pd.DataFrame], units: Units, draws: np.ndarray) -> _Scored:
    labels = labels_of(tables["clip"])
    confusions = {level: Confusions(table, units, labels) for level, table in tables.items()}
    figures, drawn = {}, {}
    for level, matrices in confusions.items():
        resampled = matrices.resampled(draws)
        for metric, function in _OF_CONFUSIONS.items():
            values = function(resampled)
            low, high = interval(values)
            name = f"{level}_{metric}"
            figures |= {name: float(function(matrices.total)), f"{name}_low": low, f"{name}_high": high}
            if function is accuracy:
                drawn[level] = values
    return _Scored(tables, confusions, figures, drawn)


def _inflation(audited: _Scored, honest: _Scored) -> dict[str, float]:
    # Of clip accuracy, which most publications report. The interval is paired, because both have the same draws.
    point = audited.figures["clip_accuracy"] - honest.figures["clip_accuracy"]
    low, high = interval(audited.drawn["clip"] - honest.drawn["clip"])
    return {"inflation": point, "inflation_low": low, "inflation_high": high}


def _probability_figures(
    tables: dict[str, pd.DataFrame], units: Units
) -> tuple[dict[str, float | None], dict[str, np.ndarray]]:
    figures, bins = {}, {}
    for level, table in tables.items():
        labels, probabilities = labels_of(table), probabilities_of(table)
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


def _rule_figures(clips: pd.DataFrame, verdicts: Confusions, units: Units, draws: np.ndarray) -> list[dict]:
    rows = []
    labels = labels_of(clips)
    for rule, songs in verdicts_by_rule(clips).items():
        matrices = verdicts if rule == RULES[0] else Confusions(songs, units, labels)
        low, high = interval(accuracy(matrices.resampled(draws)))
        rows.append({"rule": rule, "song_accuracy": float(accuracy(matrices.total)), "low": low, "high": high})
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
        {"level": level, **score.figures, "n_labels": len(labels_of(score.tables["clip"]))}
        for level, score in by_level.items()
    ]
    return rows, (by_level[1].confusions["song"].total, labels_of(by_level[1].tables["clip"]))


def _write_by_class(results: Path, run: str, confusions: dict[str, Confusions], labels: list[str]) -> None:
    rows = []
    for level, matrices in confusions.items():
        write_confusion(confusion_table(results, run, level), matrices.total, labels)
        figures = class_figures(matrices.total)
        rows += [
            {"level": level, "label": label} | {name: round(float(values[at]), 4) for name, values in figures.items()}
            for at, label in enumerate(labels)
        ]
    write_rows(model_folder(results, run) / "classes.csv", CLASS_COLUMNS, rows)
