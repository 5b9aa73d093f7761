"""The champion: one model of a finished run, with everything that its use on new files needs, in one folder."""

import shutil
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from songwise.evaluation.predictions import read_predictions
from songwise.files import file_digest, read_json, read_rows, replacing, write_json, write_rows, write_text
from songwise.models.trained_networks import is_network_bundle
from songwise.paths import Run, champion_folder, columns_of, model_folder, protocol_folder, run_of
from songwise.predict.card_page import card_page
from songwise.predict.layout import BUNDLE, CARD, NEIGHBOURS, NOVELTY, PAGE, TRACK_COLUMNS, TRACKS
from songwise.predict.neighbours import Neighbours
from songwise.predict.novelty import Novelty
from songwise.predict.summaries import frame_summaries
from songwise.schemas.card import FORMAT, Card
from songwise.schemas.read import validate
from songwise.splits.protocols import RANDOM_CLIPS
from songwise.studies.calibrated import study_calibration
from songwise.studies.choice import COST_COLUMNS, Choice, choose_champion
from songwise.studies.data import Data, read_run
from songwise.studies.novelty import ALL, NOVELTY_COLUMNS, study_novelty
from songwise.studies.similarity import SIMILAR_COLUMNS, study_similarity

_ANY_SECONDS = 10.0  # of a clip, where a table of features has none
_LIBRARIES = ("songwise", "numpy", "scikit-learn", "skops")


def crown_champion(
    results: Path, *, setting: str, about: Mapping[str, Any], measure: Callable[[Path, float], float], **sources: Any
) -> None:
    """Choose the model that is used on new files, and make it ready.

    Writes into the results champion/ (see `prepare_model`), costs.csv, and novelty.csv and similar.csv of this model.

    Parameters
    ----------
    results : Path
        Folder results/DATASET of a finished evaluation.
    setting : str
        Config key `champion`.
    about : mapping
        Facts for the model card: title, label, licenses, citation, homepage, clip, max_seconds, git_commit, protocol,
        seed.
    measure : callable
        Returns what a bundle costs, for a length of clips in seconds (`studies.cost.measure_cost`). It is an argument,
        because an edit of what it calls, such as a decoder, is no reason to choose again.
    **sources
        Arguments of `studies.data.read_run`: feature_tables, frames, models, splits_csv, tracks_csv, duplicates_csv,
        parts.
    """
    seconds = about["clip"]["seconds"] if about["clip"] else _ANY_SECONDS
    choice = choose_champion(
        setting,
        read_json(results / "headline.json"),
        lambda run: measure(model_folder(results, run) / BUNDLE, seconds),
    )
    print(choice.run, choice.reason, sep="\t")
    costs = [columns_of(run) | {"milliseconds": round(cost, 3)} for run, cost in choice.costs.items()]
    write_rows(results / "costs.csv", COST_COLUMNS, costs)
    novelty, similar = prepare_model(
        results, choice, folder=champion_folder(results), setting=setting, about=about, **sources
    )
    write_rows(results / "novelty.csv", NOVELTY_COLUMNS, novelty)
    write_rows(results / "similar.csv", SIMILAR_COLUMNS, similar)


def prepare_model(
    results: Path, choice: Choice, *, folder: Path, setting: str, about: Mapping[str, Any], **sources: Any
) -> tuple[list[dict], list[dict]]:
    """Write the folder of one model, complete and portable, with its calibration, its novelty and its neighbours.

    Parameters
    ----------
    results : Path
        Folder results/DATASET of a finished evaluation.
    choice : Choice
        The model, and why it was chosen.
    folder : Path
        The folder to write. It appears when it is complete.
    setting : str
        Config key `champion`.
    about : mapping
        As for `crown_champion`.
    **sources
        Arguments of `studies.data.read_run`.

    Returns
    -------
    novelty, similar : list of dict
        Rows of novelty.csv and of similar.csv.
    """
    data = read_run(Run.parse(choice.run), protocol=about["protocol"], **sources)
    numbers, clips = _numbers(data), _clips(data)
    tracks = {row["track_id"]: row for row in read_rows(sources["tracks_csv"]) if row["status"] == "ok"}
    predictions = read_predictions(protocol_folder(results, choice.run, about["protocol"]) / "predictions.csv")
    novelty_rows, held_out = study_novelty(numbers, data.rounds, data.units, seed=about["seed"])
    similar_rows = study_similarity(numbers, data.rounds, tracks, data.units, seed=about["seed"])
    X = numbers.loc[clips["clip_id"]].to_numpy()
    novelty = Novelty.fit(X, clips["song"].to_numpy(), data.codes(clips), seed=about["seed"], held_out=held_out)
    track_ids = clips["track_id"].to_numpy(dtype=str)
    neighbours = Neighbours.fit(X, track_ids, clips["label"].to_numpy(dtype=str), seed=about["seed"])
    figures = {
        "calibration": study_calibration(predictions, data.units),
        "novelty": _novelty_figures(novelty_rows),
    }
    with replacing(folder) as building:
        building.mkdir()
        shutil.copytree(model_folder(results, choice.run) / BUNDLE, building / BUNDLE, ignore=_hidden)
        np.savez(building / NOVELTY, allow_pickle=False, **novelty.arrays())
        np.savez(building / NEIGHBOURS, allow_pickle=False, **neighbours.arrays())
        write_rows(building / TRACKS, TRACK_COLUMNS, [tracks[track_id] for track_id in np.unique(track_ids)])
        card = _card(results, choice, setting, about, data, figures)
        write_text(building / PAGE, card_page(card))
        files = {name: file_digest(building / name) for name in sorted(_files(building))}
        write_json(building / CARD, validate(card | {"files": files}, Card, where=CARD).model_dump())
    return novelty_rows, similar_rows


def _numbers(data: Data) -> pd.DataFrame:
    """Return the features as a table, also of a network that takes frames."""
    if isinstance(data.features, pd.DataFrame):
        return data.features
    return pd.DataFrame(frame_summaries(data.features), index=data.features.clip_ids).astype(np.float32)


def _clips(data: Data) -> pd.DataFrame:
    """Return the rows of all good clips, as the bundle was fitted on them."""
    first = data.rounds[0]
    return pd.concat([first.train, first.valid, first.test]).sort_values("clip_id")


def _novelty_figures(rows: list[dict]) -> dict[str, float | None]:
    mean = next((row for row in rows if row["label"] == ALL), {})
    return {name: mean.get(name) for name in ("refused", "auroc", "auroc_low", "auroc_high")}


def _card(
    results: Path, choice: Choice, setting: str, about: Mapping[str, Any], data: Data, figures: Mapping[str, Any]
) -> dict:
    run = Run.parse(choice.run)
    row = next(row for row in read_rows(results / "leaderboard.csv") if run_of(row) == run)
    headline, params = read_json(results / "headline.json"), read_json(model_folder(results, run) / "params.json")
    claims = [r for r in read_rows(results / "leakage.csv") if run_of(r) == run and r["protocol"] == RANDOM_CLIPS]
    facts = results / "shortcuts.json"
    return {
        "format": FORMAT,
        "dataset": results.name,
        "classes": data.labels,
        "model": choice.run,
        "setting": setting,
        "reason": choice.reason,
        "protocol": about["protocol"],
        "n_songs": int(row["n_songs"]),
        "n_clips": int(row["n_clips"]),
        **{name: float(row[name]) for name in ("song_accuracy", "song_accuracy_low", "song_accuracy_high")},
        "best": headline["best"],
        "best_song_accuracy": headline["song_accuracy"],
        "corrected_song_accuracy": headline.get("corrected_song_accuracy"),
        "tied": headline["within_noise"],
        "guessing": headline["guessing"],
        "file_facts": read_json(facts)["accuracy"] if facts.is_file() else None,
        "random_clips_song_accuracy": float(claims[0]["song_accuracy"]) if claims else None,
        "milliseconds": round(choice.costs[choice.run], 3),
        **{name: about[name] for name in ("title", "label", "licenses", "citation", "homepage", "clip", "git_commit")},
        "max_seconds": float(about["max_seconds"]),
        **figures,
        "data_version": params["data_key"],
        "run_key": params["run_key"],
        "versions": _versions(model_folder(results, run) / BUNDLE),
    }


def _versions(bundle: Path) -> dict[str, str]:
    """Return the versions of the libraries that the model's predictions depend on."""
    card = read_json(bundle / "bundle.json")
    estimators = [card["model"]["estimator"], *(member["estimator"] for member in card["model"]["members"].values())]
    names = [*_LIBRARIES, *(["xgboost"] if any(name.startswith("xgboost.") for name in estimators) else [])]
    names += ["torch"] if is_network_bundle(bundle) else []
    parts = card["preset"].get("join", {"": card["preset"]})
    names += ["onnxruntime"] if any("network" in part for part in parts.values()) else []
    return {name: found for name in names if (found := _version(name))}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _hidden(_: str, names: list[str]) -> list[str]:
    """Return the files that are not part of a bundle, such as Snakemake's timestamp."""
    return [name for name in names if name.startswith(".")]
