"""Stage 6, evaluation: rank all models and compare them with the best one, also under leaking protocols."""

from collections import Counter
from collections.abc import Collection
from pathlib import Path

import numpy as np

from songwise.errors import InputError
from songwise.evaluation.bootstrap import SIGNIFICANT, bootstrap_draws, compare, select_corrected
from songwise.evaluation.calibration import calibration_rows
from songwise.evaluation.columns import (
    CALIBRATION_COLUMNS,
    LEADERBOARD_COLUMNS,
    LEAKAGE_COLUMNS,
    LEVEL_COLUMNS,
    RULE_COLUMNS,
)
from songwise.evaluation.confusion import write_confusion
from songwise.evaluation.evaluate import Evaluation, evaluate_model
from songwise.evaluation.votes import Units, read_units
from songwise.files import digest, read_json, read_rows, write_json, write_rows
from songwise.paths import columns_of, model_folder


def evaluate_models(
    *,
    runs: dict[str, dict],
    kept: dict[str, dict],
    stale: dict[str, str],
    about: dict[str, str],
    protocols: list[str],
    tracks_csv: Path,
    duplicates_csv: Path,
    splits_csv: Path,
    seed: int,
    folder: Path,
) -> None:
    """Evaluate every model, rank them, and find the ones that are statistically tied with the best.

    Models of earlier runs are ranked too if nothing that their figures depend on has changed.

    Writes the files of `evaluate_model` and params.json for each model. Writes into `folder` leaderboard.csv (best song
    accuracy first), leakage.csv, rules.csv, levels.csv and headline.json, and for the best model confusion_top.csv and
    calibration.csv.

    Parameters
    ----------
    runs : dict of str to dict
        MODEL@PRESET to the content of params.json, to which data_key and run_key, a hash of it all, are added.
    kept : dict of str to dict
        The same for models of earlier runs whose settings have not changed. Those that were tested on other data are
        not ranked.
    stale : dict of str to str
        MODEL@PRESET of the other models of earlier runs, to the reason why they are not ranked.
    about : dict of str to str
        title of the data set, and label, what its classes are. They are copied to headline.json.
    protocols : list of str
        The honest one first.
    tracks_csv, duplicates_csv : Path
        Tables of `gather`, for the votes; the first one also for the key of the data.
    splits_csv : Path
        Table of `make_splits`, for the groups that are drawn.
    seed : int
        Seed of the bootstrap.
    folder : Path
        Folder results/DATASET.

    Raises
    ------
    InputError
        If only one group is tested, because an interval needs at least two.
    """
    data = data_key(tracks_csv)
    same_data = {run: params for run, params in kept.items() if _data_of(folder, run) == data}
    stale = stale | dict.fromkeys(kept.keys() - same_data.keys(), "the data has changed")
    units = read_units(
        tracks_csv=tracks_csv, duplicates_csv=duplicates_csv, splits_csv=splits_csv, protocol=protocols[0]
    )
    draws = bootstrap_draws(len(units.groups), seed)
    evaluations = {}
    for run, params in (runs | same_data).items():
        evaluations[run] = evaluate_model(folder, run, protocols, units, draws)
        params = params | {"data_key": data}
        write_json(model_folder(folder, run) / "params.json", params | {"run_key": digest(params)})
        print(run, f"song accuracy {evaluations[run].metrics['song_accuracy']:.3f}", sep="\t")
    ranked = _rank(evaluations)
    if (next(iter(ranked.values())).votes > 0).sum() < 2:
        raise InputError(
            f"{splits_csv}: {protocols[0]} tests only one group of songs, but intervals need at least two. "
            "Add songs and run again"
        )
    facts = about | {
        "protocol": protocols[0],
        "seed": seed,
        "guessing": round(guessing(tracks_csv, units), 4),
        "n_models": len(ranked),
        "stale": dict(sorted(stale.items())),
    }
    _write_leaderboard(folder, ranked, runs, draws, seed, facts)
    _write_tables(folder, ranked, protocols)
    _write_best(folder, ranked)


def data_key(tracks_csv: Path) -> str:
    """Return a hash of the data that was evaluated: bytes, labels and songs of the good tracks.

    Parameters
    ----------
    tracks_csv : Path
        Table of `gather`.

    Returns
    -------
    str
        It does not change when the data is shared.
    """
    rows = read_rows(tracks_csv)
    return digest(
        [[row[name] for name in ("track_id", "label", "song", "sha256")] for row in rows if row["status"] == "ok"]
    )


def guessing(tracks_csv: Path, units: Units) -> float:
    """Return the share of songs in the most common class: what guessing it reaches.

    Parameters
    ----------
    tracks_csv : Path
        Table of `gather`.
    units : Units
        Votes of the songs; a recording counts once.

    Returns
    -------
    float
        From 0 to 1.
    """
    label_of = {
        units.vote_of[row["song"]]: row["label"]
        for row in read_rows(tracks_csv)
        if row["status"] == "ok" and row["song"] in units.group_of
    }
    return Counter(label_of.values()).most_common(1)[0][1] / len(label_of)


def _data_of(folder: Path, run: str) -> str:
    return read_json(model_folder(folder, run) / "params.json")["data_key"]


def _rank(evaluations: dict[str, Evaluation]) -> dict[str, Evaluation]:
    def place(run: str) -> tuple:
        metrics = evaluations[run].metrics
        return -metrics["song_accuracy"], -metrics["clip_accuracy"], run

    return {run: evaluations[run] for run in sorted(evaluations, key=place)}


def _write_leaderboard(
    folder: Path, ranked: dict[str, Evaluation], of_this_run: Collection[str], draws: np.ndarray, seed: int, facts: dict
) -> None:
    best, *others = ranked
    votes = ranked[best].votes
    hits = np.array([evaluation.hits for evaluation in ranked.values()])
    p_best = dict(zip(ranked, compare(hits, votes, 0, seed).tolist(), strict=True))
    tied = {run: p >= SIGNIFICANT for run, p in p_best.items()}
    rows = [
        _row(
            run,
            evaluation.metrics
            | {"p_best": p_best[run], "tied": str(tied[run]).lower(), "this_run": str(run in of_this_run).lower()},
        )
        for run, evaluation in ranked.items()
    ]
    write_rows(folder / "leaderboard.csv", LEADERBOARD_COLUMNS, rows)
    corrected = select_corrected(hits, votes, draws)
    close = [run for run in others if tied[run]]
    write_json(folder / "headline.json", facts | {"best": best, **rows[0], **corrected, "within_noise": close})


def _write_tables(folder: Path, ranked: dict[str, Evaluation], protocols: list[str]) -> None:
    leakage, rules, levels = [], [], []
    for run, evaluation in ranked.items():
        of_protocol = evaluation.metrics["protocols"]
        leakage += [_row(run, of_protocol[protocol] | {"protocol": protocol}) for protocol in protocols]
        rules += [_row(run, row) for row in evaluation.rules]
        levels += [_row(run, row) for row in evaluation.levels]
    write_rows(folder / "leakage.csv", LEAKAGE_COLUMNS, leakage)
    write_rows(folder / "rules.csv", RULE_COLUMNS, rules)
    write_rows(folder / "levels.csv", LEVEL_COLUMNS, levels)


def _write_best(folder: Path, ranked: dict[str, Evaluation]) -> None:
    best, evaluation = next(iter(ranked.items()))
    write_confusion(folder / "confusion_top.csv", *(evaluation.top or (np.zeros((0, 0)), [])))
    rows = [columns_of(best) | row for row in calibration_rows(evaluation.bins)]
    write_rows(folder / "calibration.csv", CALIBRATION_COLUMNS, rows)


def _row(run: str, figures: dict) -> dict:
    """Return a row of a table: the numbers and words of `figures`, rounded to four decimals, after the model."""
    rounded = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in figures.items()
        if not isinstance(value, dict | list)
    }
    return columns_of(run) | rounded
