"""Results with a champion, which MLflow can show and register."""

import base64
import json
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.project import ROOT
from helpers.results import write_result_tables
from helpers.sound import tone, write_wav
from songwise.features.preset_files import load_preset
from songwise.features.resolved import column_names_of
from songwise.files import file_digest, write_json, write_rows
from songwise.models.bundle import save_bundle
from songwise.predict.card_page import card_page
from songwise.predict.hearing import Listener
from songwise.predict.layout import NEIGHBOURS, NOVELTY, TRACK_COLUMNS, TRACKS
from songwise.predict.neighbours import Neighbours
from songwise.predict.novelty import Novelty
from songwise.schemas.card import FORMAT

LABELS = ["high", "low"]
PITCHES = (1568, 1760, 1976, 2093), (196, 220, 247, 262)  # Hz
CLIP = {"seconds": 2, "hop": 2, "start": 0, "stop": None, "min_seconds": 1}
PRESET = load_preset("jlaoo26", ROOT)
COLUMNS = column_names_of(PRESET)
HELD_OUT = np.linspace(0.5, 3, 20)  # scores of known songs
_CALIBRATION = dict.fromkeys(("ece_before", "ece_after", "log_loss_before", "log_loss_after")) | {"temperature": 1.0}
CARD = {
    "format": FORMAT,
    "dataset": "tones",
    "title": "Tones",
    "label": "register",
    "classes": LABELS,
    "model": "logistic@jlaoo26",
    "setting": "best",
    "reason": "It is the most accurate model.",
    "protocol": "by-song",
    "n_songs": 8,
    "n_clips": 16,
    "song_accuracy": 0.9,
    "song_accuracy_low": 0.8,
    "song_accuracy_high": 1.0,
    "best": "logistic@jlaoo26",
    "best_song_accuracy": 0.9,
    "corrected_song_accuracy": None,
    "tied": [],
    "guessing": 0.5,
    "file_facts": None,
    "random_clips_song_accuracy": None,
    "milliseconds": 1.0,
    "clip": CLIP,
    "max_seconds": 60.0,
    "calibration": {"song": _CALIBRATION, "clip": _CALIBRATION},
    "novelty": dict.fromkeys(("refused", "auroc", "auroc_low", "auroc_high")),
    "licenses": ["CC0-1.0"],
    "citation": None,
    "homepage": None,
    "data_version": "data1",
    "run_key": "k1",
    "git_commit": None,
    "versions": {"songwise": "0.1", "scikit-learn": version("scikit-learn")},
}
_FIGURES = ("accuracy", "accuracy_low", "accuracy_high", "macro_f1")
_METRICS = {"n_songs": 8, "n_clips": 16, "fit_seconds": 1.5} | {
    f"{level}_{name}": 0.9 for level in ("clip", "song") for name in _FIGURES
}

_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)  # a PNG


def random_champion(folder: Path) -> Path:
    """Write a champion that was trained on random numbers instead of audio, in no time, and return its folder."""
    y = np.repeat([0, 1], 8)
    return write_champion(folder, np.random.default_rng(0).normal(size=(16, len(COLUMNS))) + y[:, None], y)


def tone_champion(folder: Path, audio: Path) -> Path:
    """Write a champion that was trained on high and low tones, below a folder for audio, and return its folder."""
    listener, rows, y = Listener(PRESET, CLIP, 60), [], []
    for code, pitches in enumerate(PITCHES):
        for hertz in pitches:
            rows.append(listener.hear_file(write_wav(audio / f"{hertz}.wav", tone(4, hertz))).X)
            y += [code] * len(rows[-1])
    return write_champion(folder, np.concatenate(rows), np.array(y))


def write_champion(
    folder: Path,
    X: np.ndarray,
    y: np.ndarray,
    *,
    preset: dict = PRESET,
    tracks: list[dict] | None = None,
    held_out: np.ndarray = HELD_OUT,
    **changes: object,
) -> Path:
    """Write a champion that was trained on these features of clips, two per song, and return its folder.

    `tracks` has one row per song, in the order of X. `changes` replace values of the card.
    """
    tracks = tracks or [{"track_id": f"song {number}"} for number in range(len(X) // 2)]
    songs = np.repeat([track["track_id"] for track in tracks], 2)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    save_bundle(folder / "bundle", model, {"labels": LABELS, "columns": column_names_of(preset), "preset": preset})
    np.savez(folder / NOVELTY, **Novelty.fit(X, songs, y, seed=0, held_out=held_out).arrays())
    np.savez(folder / NEIGHBOURS, **Neighbours.fit(X, songs, np.array(LABELS)[y], seed=0).arrays())
    rows = [dict.fromkeys(TRACK_COLUMNS, "") | track for track in tracks]
    write_rows(folder / TRACKS, TRACK_COLUMNS, sorted(rows, key=lambda row: row["track_id"]))
    write_json(folder / "card.json", CARD | changes)
    return crown(folder.parent)


def complete_results(champion: Path) -> Path:
    """Write what `log_runs` needs beside results/tones/champion: two models, and the champion's page.

    Parameters
    ----------
    champion : Path
        The champion's folder.

    Returns
    -------
    Path
        The folder results/.
    """
    results = champion.parent
    for model, run_key in (("logistic", "k1"), ("other", "k2")):
        folder = results / "models" / f"{model}@jlaoo26"
        shutil.copytree(champion / "bundle", folder / "bundle")
        params = {"run_key": run_key, "model": model, "features": "jlaoo26", "data_key": "data1", "code_version": "c"}
        (folder / "params.json").write_text(json.dumps(params))
        write_json(folder / "by-song/fit.json", {})
        fold = {"repeat": 0, "fold": 0, "song_accuracy": 0.9}
        (folder / "metrics.json").write_text(json.dumps(_METRICS | {"folds": [fold]}))
        for level in ("clip", "song"):
            (folder / f"confusion_{level}.csv").write_text("label,high,low\nhigh,4,0\nlow,0,4\n")
            (folder / f"confusion_{level}.png").write_bytes(_PIXEL)
    write_result_tables(results, ["logistic@jlaoo26", "other@jlaoo26"], _METRICS, title="Tones")
    crown(results)
    return results.parent


def crown(results: Path, **changes: object) -> Path:
    """Change the card of the champion in results/DATASET, with its page, and return the champion's folder."""
    folder = results / "champion"
    card = json.loads((folder / "card.json").read_text()) | changes
    (folder / "README.md").write_text(card_page(card))
    (folder / "card.json").unlink()
    names = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    card["files"] = {path.relative_to(folder).as_posix(): file_digest(path) for path in sorted(names)}
    (folder / "card.json").write_text(json.dumps(card))
    return folder
