"""A project with a finished run, which is made of planted predictions in a second instead of by Snakemake."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from helpers.champions import random_champion
from helpers.project import ROOT
from helpers.sound import tone, write_wav
from songwise.evaluation.leaderboard import evaluate_models
from songwise.files import write_json, write_rows
from songwise.paths import Run

LABELS = ["high", "low"]
SONGS = {f"{label} {number:02d}": label for label in LABELS for number in range(10)}
TWINS = ("high 00", "high 01")  # the same recording
# Songs that each model gets wrong in both repeats; HALF is wrong in the first repeat only.
WRONG = {
    "lda_shrinkage@mfcccov": ["high 02", "low 03"],
    "knn@mfcccov": ["high 02", "high 04", "low 05", "low 06", "low 07", "low 08"],
    "knn@jlaoo26": ["high 02", "high 04", "high 05", "low 05", "low 06", "low 07", "low 08"],
    "majority@jlaoo26": [song for song, label in SONGS.items() if label == "low"],
}
BEST, HALF = "lda_shrinkage@mfcccov", "low 09"
_ESTIMATORS = {
    "lda_shrinkage": "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
    "knn": "sklearn.neighbors.KNeighborsClassifier",
    "majority": "sklearn.dummy.DummyClassifier",
}
_ABOUT = {"title": "Tones", "label": "register"}
_SPLIT = {"folds": 5, "repeats": 2, "held_out": None}


def make_finished(folder: Path, name: str = "tones", *, files: bool = True) -> Path:
    """Write a project with the finished run of a data set, and return its folder."""
    if not (folder / "config").exists():
        shutil.copytree(ROOT / "config", folder / "config")
        (folder / "Snakefile").touch()
        shutil.copy(ROOT / "CITATION.cff", folder)
    source = {"type": "manifest", "tracks": f"{name}.tracks.csv"}
    content = {"name": name, **_ABOUT, "source": source}
    (folder / f"config/datasets/{name}.yaml").write_text(yaml.safe_dump(content))
    rows = [_track(song, label, folder, name, files) for song, label in SONGS.items()]
    write_rows(folder / f"config/datasets/{name}.tracks.csv", ("track_id", "label", "path"), rows)
    record = {row["track_id"]: {"status": "ok", "path": row["path"]} for row in rows}
    write_json(folder / f"data/raw/{name}/shards/0.json", {"tracks": record})
    _write_results(folder / "results" / name, rows)
    return folder


def _track(song: str, label: str, folder: Path, name: str, files: bool) -> dict:
    path = Path(f"data/raw/{name}/audio/{song}.wav")
    if files:
        write_wav(folder / path, tone(0.1, 1800 if label == "high" else 200))
    about = {"artist": "", "title": song.title() if song == "low 03" else "", "status": "ok", "seconds": "4.0"}
    return {"track_id": song, "label": label, "song": song, "path": str(path), "sha256": song, **about}


def _write_results(results: Path, rows: list[dict]) -> None:
    write_rows(results / "tracks.csv", list(rows[0]), rows)
    twins = {"track_id": TWINS[0], "other_track_id": TWINS[1], "similarity": 1, "same_label": "true"}
    write_rows(results / "duplicates.csv", list(twins), [twins])
    splits = [
        {"protocol": "by-song", "repeat": 0, "track_id": song, "group": TWINS[0] if song in TWINS else song, "fold": 0}
        for song in SONGS
    ]
    write_rows(results / "splits.csv", list(splits[0]), splits)
    for run, wrong in WRONG.items():
        _predict(results / "models" / run / "by-song", wrong)
    evaluate_models(
        runs={run: _params(Run.parse(run)) for run in WRONG},
        kept={},
        stale={},
        about=_ABOUT,
        protocols=["by-song"],
        **{f"{table}_csv": results / f"{table}.csv" for table in ("tracks", "duplicates", "splits")},
        seed=0,
        folder=results,
    )
    random_champion(results / "champion")
    for run in WRONG:
        shutil.copytree(results / "champion" / "bundle", results / "models" / run / "bundle")
    write_rows(results / "costs.csv", ("model", "features", "milliseconds"), [_cost()])
    (results / "report.html").write_text("<!doctype html><title>Tones</title>")


def _params(run: Run) -> dict:
    settings = {"split": _SPLIT, "protocol": "by-song", "seed": 0, "search": {}, "preset": {"columns": 26, "key": "k"}}
    return {"model": run.model, "features": run.preset, "estimator": _ESTIMATORS[run.model], **settings}


def _cost() -> dict:
    run = Run.parse(BEST)
    return {"model": run.model, "features": run.preset, "milliseconds": "1.234"}


def _predict(folder: Path, wrong: list[str]) -> None:
    """Write predictions of one clip per song and repeat; later songs are predicted with less confidence."""
    rows = []
    for repeat in range(2):
        for place, (song, label) in enumerate(SONGS.items()):
            at = LABELS.index(label)
            is_wrong = song in wrong or (song == HALF and repeat == 0)
            top = 1 - at if is_wrong else at
            shares = np.where(np.arange(2) == top, 0.95 - 0.01 * place, 0.05 + 0.01 * place).round(6)
            rows.append([repeat, 0, f"{song}@0", song, song, label, LABELS[top], *shares])
    columns = ["repeat", "fold", "clip_id", "track_id", "song", "label", "predicted"]
    folder.mkdir(parents=True)
    table = pd.DataFrame(rows, columns=[*columns, *(f"p_{label}" for label in LABELS)])
    table.to_csv(folder / "predictions.csv", index=False)
    write_json(folder / "fit.json", {"fit_seconds": 1.0, "fit_share": 1.0})
