"""The workflow on a user's own data: it redoes only what a change affects, and it survives a kill and bad audio.

One project has run once. Each test works in a copy of it, so the tests can run alone and in any order.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.project import copy_finished, copy_project, jobs, ordinary_environment, snakemake
from helpers.sound import RATE, encode, write_wav
from helpers.tables import rows

pytestmark = pytest.mark.workflow

CLASSES = {"low": 200, "mid": 500, "high": 1100}
SONGS = 5
SHARDS = 2
SETTINGS = ("--config", "dataset=my/mine.yaml", "min_songs=4")
MODELS = "models=[majority, knn]"
FIGURES = ("results/mine/leaderboard.csv", "results/mine/leakage.csv")


def song(label: str, number: int, seconds: float = 9) -> np.ndarray:
    rng = np.random.default_rng([CLASSES[label], number])
    t = np.arange(round(seconds * RATE)) / RATE
    hertz = CLASSES[label] * rng.uniform(0.8, 1.25)
    wave = sum(rng.uniform(0.02, 0.1) * np.sin(2 * np.pi * k * hertz * t + k) for k in range(1, 6))
    return wave * (0.6 + 0.4 * np.sin(2 * np.pi * rng.uniform(1, 4) * t)) + 0.01 * rng.normal(size=len(t))


def write_sheet(folder: Path, extra: list[dict] = ()) -> None:
    lines = ["track_id,label,path,sha256"]
    lines += [f"{label}-{n},{label},audio/{label}-{n}.wav," for label in CLASSES for n in range(SONGS)]
    lines += [f"{row['track_id']},{row['label']},{row['path']},{row.get('sha256', '')}" for row in extra]
    (folder / "mine.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A project with a small data set of the user's own that has run. Tests must not change it."""
    folder = copy_project(tmp_path_factory.mktemp("finished"))
    for label in CLASSES:
        for number in range(SONGS):
            write_wav(folder / f"my/audio/{label}-{number}.wav", song(label, number))
    write_sheet(folder / "my")
    content = {
        "name": "mine",
        "source": {"type": "manifest", "tracks": "mine.csv"},
        "shards": SHARDS,
        "clip": {"seconds": 3},
        "split": {"folds": 5, "repeats": 1},
    }
    (folder / "my/mine.yaml").write_text(yaml.safe_dump(content))
    done = run_mine(folder)
    assert done.returncode == 0, done.stdout[-4000:]
    return folder


@pytest.fixture
def mine(finished, tmp_path) -> Path:
    """A copy of the finished project for one test."""
    return copy_finished(finished, tmp_path / "mine")


def run_mine(
    folder: Path, *words: str, settings: tuple[str, ...] = (MODELS,), **environment: str
) -> subprocess.CompletedProcess:
    return snakemake(folder, "--cores", "2", *words, *SETTINGS, *settings, **environment)


def dry_run(folder: Path, *words: str, **environment: str) -> dict[str, int]:
    """The jobs that a run would do."""
    done = run_mine(folder, "-n", *words, **environment)
    assert done.returncode == 0, done.stdout[-3000:]
    counts = jobs(done.stdout)
    assert counts or "Nothing to be done" in done.stdout
    return counts


def stamps(folder: Path, *patterns: str) -> dict[str, int]:
    """The modification times of files by their paths in a project."""
    paths = [path for pattern in patterns for path in folder.glob(pattern)]
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in paths}


def test_a_killed_run_completes_by_the_same_command_with_the_same_figures(finished, mine):
    """A run on one core is killed while it trains. Except for fit_seconds, its figures equal those of two cores."""
    for name in ("data/features", "results"):
        shutil.rmtree(mine / name)
    words = ["--cores", "1", *FIGURES, *SETTINGS, MODELS]

    running = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *words],
        cwd=mine,
        env=ordinary_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not list(mine.glob("results/mine/models/*/by-song/fit.json")):
        assert running.poll() is None, "the run was over before it could be killed"
        time.sleep(0.1)
    running.kill()
    running.wait()
    done = snakemake(mine, *words)
    assert done.returncode == 0, done.stdout[-3000:]
    for name in FIGURES:
        expected = pd.read_csv(finished / name).drop(columns="fit_seconds", errors="ignore")
        found = pd.read_csv(mine / name).drop(columns="fit_seconds", errors="ignore")
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_an_edited_feature_redoes_features_and_models_but_a_comment_does_not(mine):
    package = {"PYTHONPATH": str(mine / "src")}  # the package of the copy, which this test may edit
    path = mine / "src/songwise/features/dsp/moments.py"
    original = path.read_text()
    path.write_text(original + "\n# a comment changes nothing\n")
    assert dry_run(mine, **package) == {}
    edited = original.replace("mean = total / n", "mean = 1 + total / n")
    assert edited != original
    path.write_text(edited)
    counts = dry_run(mine, **package)
    assert counts["extract_features"] == SHARDS and counts["train_model"] == 3 and counts["audit_model"] == 3
    assert "acquire_tracks" not in counts


def test_a_deleted_result_is_made_again_even_if_nothing_else_needs_it(mine):
    for name, rule in (("clips.csv", "gather_tracks"), ("models/knn@jlaoo26/by-song/songs.csv", "evaluate_models")):
        path = mine / "results/mine" / name
        content, times = path.read_bytes(), path.stat()
        path.unlink()
        assert dry_run(mine)[rule] == 1, name
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert dry_run(mine) == {}


EXTRA = """
name: extra
families:
  rms: {statistics: [mean, std]}
  zero_crossing_rate: {statistics: [mean]}
"""
# What follows from the set of runs as a whole.
SUMMARIES = dict.fromkeys(("check_models", "evaluate_models", "study_best", "cluster_songs", "crown_champion"), 1)
SUMMARIES |= dict.fromkeys(("compare_standardised", "draw_confusions", "draw_leakage", "draw_calibration"), 1)
SUMMARIES |= dict.fromkeys(("draw_learning_curve", "draw_importance", "draw_map", "render_report", "log_runs"), 1)
# What a new preset with one model adds.
OWN = {"extract_features": SHARDS, "train_model": 1, "audit_model": 1}


def try_knn_on(folder: Path, *presets: str) -> None:
    path = folder / "config/models/knn.yaml"
    path.write_text(re.sub("features: .*", f"features: [{', '.join(presets)}]", path.read_text()))


@pytest.fixture(scope="module")
def with_extra(finished, tmp_path_factory) -> tuple[Path, str]:
    """A copy of the finished project that has run again with one more preset, and that run's output."""
    folder = copy_finished(finished, tmp_path_factory.mktemp("extra") / "project")
    (folder / "config/features/extra.yaml").write_text(EXTRA)
    try_knn_on(folder, "extra", "jlaoo26", "mfcccov")
    done = run_mine(folder)
    assert done.returncode == 0, done.stdout[-3000:]
    return folder, done.stdout


def test_a_new_preset_redoes_nothing_of_the_others(finished, with_extra):
    folder, output = with_extra
    assert jobs(output) == OWN | SUMMARIES
    kept = ["data/clips/mine/*.csv", "data/features/mine/*/*/*.parquet"]
    kept += ["results/mine/splits*", "results/mine/models/*/*/predictions.csv"]
    before, after = stamps(finished, *kept), stamps(folder, *kept)
    assert len(before) == 2 * SHARDS + 2 * SHARDS + 2 + 3 * 2
    assert {name: after[name] for name in before} == before
    assert "knn,extra" in (folder / "results/mine/leaderboard.csv").read_text()


def test_a_changed_preset_or_track_redoes_what_follows_from_it_but_a_title_does_not(with_extra, tmp_path):
    mine = copy_finished(with_extra[0], tmp_path / "mine")
    extra, track = mine / "config/features/extra.yaml", mine / "my/audio/mid-1.wav"
    extra.write_text("# a comment changes nothing\ntitle: Nor does a title\n" + EXTRA)
    assert not {"extract_features", "audit_model"} & dry_run(mine).keys()
    extra.write_text(EXTRA.replace("std", "max"))
    assert dry_run(mine) == OWN | SUMMARIES
    stamp = track.stat()
    os.utime(track)
    counts = dry_run(mine)
    assert (counts["extract_features"], counts["extract_features_2"]) == (
        SHARDS,
        1,
    )  # its shard's tables of all presets
    assert counts["inspect_tracks"] == 1 and counts["train_model"] == 4
    os.utime(track, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    extra.write_text(EXTRA)
    assert dry_run(mine) == {}


def test_a_removed_preset_redoes_only_the_summaries(with_extra, tmp_path):
    mine = copy_finished(with_extra[0], tmp_path / "mine")
    try_knn_on(mine, "jlaoo26", "mfcccov")
    assert dry_run(mine) == SUMMARIES


def test_clips_are_kept_on_request_and_nothing_else_is_redone(mine):
    assert not list(mine.glob("data/clips/mine/**/*.wav"))
    done = run_mine(mine, settings=(MODELS, "keep_clips=True"))
    assert done.returncode == 0 and jobs(done.stdout) == {"cut_clips": SHARDS}
    good = [row for row in rows(mine / "results/mine/clips.csv") if row["status"] == "ok"]
    assert len(list(mine.glob("data/clips/mine/*/*.wav"))) == len(good) == 3 * SONGS * 3
    assert dry_run(mine) == {}


def test_a_new_song_redoes_its_shard_and_what_depends_on_it(with_extra, tmp_path):
    mine = copy_finished(with_extra[0], tmp_path / "mine")
    try_knn_on(mine, "jlaoo26", "mfcccov")
    write_wav(mine / "my/audio/new.wav", song("mid", 99))
    write_sheet(mine / "my", [{"track_id": "new", "label": "mid", "path": "audio/new.wav"}])
    before = stamps(mine, "data/features/mine/*/*/*.parquet")
    done = run_mine(mine, *FIGURES)
    assert done.returncode == 0, done.stdout[-3000:]
    counts = jobs(done.stdout)
    assert counts["acquire_tracks"] == counts["inspect_tracks"] == counts["extract_features"] == 1
    assert counts["train_model"] == 3
    after = stamps(mine, "data/features/mine/*/*/*.parquet")
    changed = [name for name in before if after[name] != before[name]]
    assert len(before) == 3 * SHARDS and len(changed) == 2  # one shard of two presets; the third has left
    assert "new" in {row["track_id"] for row in rows(mine / "results/mine/tracks.csv")}

    try_knn_on(mine, "extra", "jlaoo26", "mfcccov")
    summaries = {"check_models": 1, "evaluate_models": 1}
    assert dry_run(mine, *FIGURES) == {"extract_features": 1, "train_model": 1, "audit_model": 1} | summaries


def stale_tags(folder: Path) -> dict[str, str | None]:
    """The tag `stale` of every run that MLflow shows."""
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("mine")
    return {run.info.run_name: run.data.tags.get("stale") for run in client.search_runs([experiment.experiment_id])}


def test_a_removed_model_is_tagged_stale(mine):
    one_model = {"settings": ("models=[majority]",)}
    (mine / "config/models/knn.yaml").unlink()  # otherwise its runs would be ranked as those of an earlier run
    assert run_mine(mine, "results/mine/tracking.json", **one_model).returncode == 0
    found = stale_tags(mine)
    assert found["majority@jlaoo26"] is None and found["knn@mfcccov"] == "true"


def test_a_lost_store_is_rebuilt_and_nothing_else_is_redone(mine, monkeypatch):
    # Otherwise this process would go on reading the deleted database.
    monkeypatch.setenv("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")
    (mine / "mlflow.db").unlink()
    done = run_mine(mine)
    assert done.returncode == 0 and jobs(done.stdout) == {"log_runs": 1}
    assert stale_tags(mine) == dict.fromkeys(("majority@jlaoo26", "knn@jlaoo26", "knn@mfcccov"))
    assert dry_run(mine) == {}


def test_a_leak_planted_in_the_splits_stops_the_run(mine):
    path = mine / "results/mine/splits.csv"
    splits = pd.read_csv(path)
    planted = splits.index[(splits["protocol"] == "by-song") & (splits["track_id"] == "mid-2")][0]
    splits.loc[planted, "fold"] = (splits.loc[planted, "fold"] + 1) % 5
    splits.to_csv(path, index=False)
    done = run_mine(mine)
    assert done.returncode != 0
    assert "by-song" in done.stdout and "song 'mid-2'" in done.stdout and "Traceback" not in done.stdout


def test_faulty_tracks_are_left_out_and_the_run_continues(mine):
    audio = mine / "my/audio"
    (audio / "text.wav").write_text("no audio")
    (audio / "empty.flac").touch()
    write_wav(audio / "silent.wav", np.zeros(5 * RATE))
    write_wav(audio / "short.wav", song("low", 50, seconds=0.5))
    write_wav(audio / "other.wav", song("low", 51))
    encode(audio / "other.wav", audio / "good.m4a")
    write_sheet(
        mine / "my",
        [
            {"track_id": "gone", "label": "low", "path": "audio/nowhere.wav"},
            {"track_id": "changed", "label": "low", "path": "audio/other.wav", "sha256": "0" * 64},
            *({"track_id": name.split(".")[0], "label": "low", "path": f"audio/{name}"}
              for name in ("text.wav", "empty.flac", "silent.wav", "short.wav", "good.m4a")),
        ],
    )  # fmt: skip
    done = run_mine(mine, *FIGURES, settings=("models=[majority]",))
    assert done.returncode == 0, done.stdout[-3000:]
    found = {
        row["track_id"]: (row["status"], row["reason"].split(":")[0]) for row in rows(mine / "results/mine/tracks.csv")
    }
    assert {name: found[name] for name in ("gone", "changed", "text", "empty", "silent", "short", "good")} == {
        "gone": ("failed", "failed"),
        "changed": ("failed", "wrong sha256"),
        "text": ("quarantined", "undecodable"),
        "empty": ("quarantined", "empty"),
        "silent": ("quarantined", "silent"),
        "short": ("quarantined", "too short"),
        "good": ("ok", ""),
    }
    assert "16 of 22 tracks are good" in done.stdout and "Traceback" not in done.stdout


def test_too_few_songs_left_stops_the_run_and_keeps_the_table(mine):
    for number in range(2):
        (mine / f"my/audio/high-{number}.wav").unlink()
    done = run_mine(mine)
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert "class high has only 3 usable songs; at least 5 per class are needed" in done.stdout
    found = {row["track_id"]: row["status"] for row in rows(mine / "results/mine/tracks.csv")}
    assert found["high-0"] == "failed" and found["high-2"] == "ok"


# Edits after which there is nothing to do: the file, and the words that are replaced; None adds a line of code.
NOTHING = {
    "src/songwise/models/files.py": ("is an ensemble itself", "is itself an ensemble"),
    "src/songwise/plan/plan.py": None,
    "src/songwise/plan/session.py": None,
    "src/songwise/schemas/dataset.py": None,
    "src/songwise/features/preset_files.py": None,
    "src/songwise/datasets/sheet.py": None,
    "src/songwise/acquire/download.py": None,
    "src/songwise/runtime/progress.py": None,
    "src/songwise/errors.py": None,
    "src/songwise/cli.py": None,
    "src/songwise/splits/make.py": ("no usable track is left to test", "no good track is left to test"),
    "src/songwise/features/dsp/mel.py": ("Compute the first cepstral coefficients", "Compute cepstral coefficients"),
}
PICTURE = {"render_report": 1}
TITLES = ("config/features/jlaoo26.yaml", "config/models/knn.yaml")
# Files in which a line of code is added, and the jobs that follow.
REDONE = {
    "src/songwise/figures/confusion.py": {"draw_confusions": 1, "log_runs": 1},
    "src/songwise/figures/calibration.py": {"draw_calibration": 1, "log_runs": 1},
    "src/songwise/figures/song_map.py": {"draw_map": 1},
    "src/songwise/tracking/runs.py": {"log_runs": 1},
    "src/songwise/tracking/dvc_view.py": {"log_runs": 1},
    "src/songwise/report/page.py": PICTURE,
    "src/songwise/studies/clusters.py": {"cluster_songs": 1, "draw_map": 1} | PICTURE,
    "src/songwise/evaluation/calibration.py": {k: v for k, v in SUMMARIES.items() if k != "check_models"},
}


def edit(folder: Path, name: str, change: tuple[str, str] | None = None) -> None:
    text = (folder / name).read_text()
    edited = text.replace(*change, 1) if change else f"{text}\n_EDITED = 1\n"
    assert edited != text
    (folder / name).write_text(edited)


def test_edits_of_text_and_readers_redo_nothing_and_titles_only_the_page(mine):
    for name, change in NOTHING.items():
        edit(mine, name, change)
    assert dry_run(mine, PYTHONPATH=str(mine / "src")) == {}
    for name in TITLES:
        edit(mine, name, ("title: ", "title: Another "))
    assert dry_run(mine, PYTHONPATH=str(mine / "src")) == PICTURE


@pytest.mark.parametrize("name", REDONE)
def test_an_edit_redoes_what_follows_from_it_and_nothing_else(mine, name):
    edit(mine, name)
    counts = dry_run(mine, PYTHONPATH=str(mine / "src"))
    assert counts == REDONE[name]


def test_an_edited_download_is_tried_again_for_the_shard_that_failed(mine):
    package = {"PYTHONPATH": str(mine / "src")}
    (mine / "my/audio/low-0.wav").rename(mine / "my/audio/away.wav")
    assert run_mine(mine, "data/raw/mine/shards/0.json", "data/raw/mine/shards/1.json", **package).returncode == 0
    assert "acquire_tracks" not in dry_run(mine, **package)
    edit(mine, "src/songwise/acquire/download.py")
    assert dry_run(mine, **package)["acquire_tracks"] == 1
