"""The workflow on data of the user's own: increments, a kill, and music that is no music."""

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
from helpers.project import copy_project, jobs, ordinary_environment, snakemake
from helpers.sound import RATE, encode, write_wav
from helpers.tables import rows

pytestmark = pytest.mark.workflow

CLASSES = {"low": 200, "mid": 500, "high": 1100}
SONGS = 5


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


# The tests below share one folder and go on where the one before stopped, as a user would.


@pytest.fixture(scope="module")
def mine(tmp_path_factory) -> Path:
    """A copy of the project, package and all, with a small data set of the user's own that has run."""
    folder = copy_project(tmp_path_factory.mktemp("mine"))
    for label in CLASSES:
        for number in range(SONGS):
            write_wav(folder / f"my/audio/{label}-{number}.wav", song(label, number))
    write_sheet(folder / "my")
    content = {
        "name": "mine",
        "source": {"type": "manifest", "tracks": "mine.csv"},
        "shards": 3,
        "clip": {"seconds": 3},
        "split": {"folds": 5, "repeats": 1},
    }
    (folder / "my/mine.yaml").write_text(yaml.safe_dump(content))
    done = run_mine(folder)
    assert done.returncode == 0, done.stdout[-4000:]
    shutil.copytree(folder / "results/mine", folder / "first")
    return folder


def mine_words(models: str = "[majority, knn]") -> list[str]:
    return ["--config", "dataset=my/mine.yaml", f"models={models}", "min_songs=4"]


def run_mine(folder: Path, *words: str, models: str = "[majority, knn]"):
    # The package of the copy, so that a test can edit it.
    return snakemake(folder, "--cores", "2", *words, *mine_words(models), PYTHONPATH=str(folder / "src"))


def test_a_killed_run_completes_by_the_same_command_with_the_same_figures(mine, tmp_path):
    """kill -9 in training, another number of cores: only fit_seconds may differ."""
    folder = copy_project(tmp_path / "killed")
    shutil.copytree(mine / "my", folder / "my")
    words = ["--cores", "1", *mine_words()]

    running = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *words],
        cwd=folder,
        env=ordinary_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not list(folder.glob("results/mine/models/*/by-song/fit.json")):
        assert running.poll() is None, "the run was over before it could be killed"
        time.sleep(0.1)
    running.kill()
    running.wait()
    done = snakemake(folder, *words)
    assert done.returncode == 0, done.stdout[-3000:]
    for name in ("leaderboard.csv", "leakage.csv"):
        expected = pd.read_csv(mine / "first" / name).drop(columns="fit_seconds", errors="ignore")
        found = pd.read_csv(folder / "results/mine" / name).drop(columns="fit_seconds", errors="ignore")
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_an_edited_feature_redoes_features_and_models_but_a_comment_does_not(mine):
    path = mine / "src/songwise/features/dsp/moments.py"
    original = path.read_text()
    try:
        path.write_text(original + "\n# a comment changes nothing\n")
        assert "Nothing to be done" in run_mine(mine, "-n").stdout
        edited = original.replace("mean = total / n", "mean = 1 + total / n")
        assert edited != original
        path.write_text(edited)
        counts = jobs(run_mine(mine, "-n").stdout)
        assert counts["extract_features"] == 3 and counts["train_model"] == 3 and counts["audit_model"] == 3
        assert "acquire_tracks" not in counts
    finally:
        path.write_text(original)


EXTRA = """
name: extra
families:
  rms: {statistics: [mean, std]}
  zero_crossing_rate: {statistics: [mean]}
"""
# What follows from the set of runs as a whole.
SUMMARIES = dict.fromkeys(("check_models", "evaluate_models", "draw_leakage", "study_best", "cluster_songs"), 1)
SUMMARIES |= dict.fromkeys(("render_report", "log_runs"), 1)


def try_knn_on(folder: Path, *presets: str) -> None:
    path = folder / "config/models/knn.yaml"
    path.write_text(re.sub("features: .*", f"features: [{', '.join(presets)}]", path.read_text()))


def test_a_preset_that_joins_changes_or_leaves_redoes_no_other(mine):
    kept = [*mine.glob("data/clips/mine/*.csv"), *mine.glob("data/features/mine/*/*/*.parquet")]
    kept += [*mine.glob("results/mine/splits*"), *mine.glob("results/mine/models/*/*/predictions.csv")]
    before = {path: path.stat().st_mtime_ns for path in kept}
    extra, track = mine / "config/features/extra.yaml", mine / "my/audio/mid-1.wav"
    extra.write_text(EXTRA)
    try_knn_on(mine, "extra", "jlaoo26", "mfcccov")
    done = run_mine(mine)
    assert done.returncode == 0, done.stdout[-3000:]
    own = {"extract_features": 3, "train_model": 1, "audit_model": 1}
    assert jobs(done.stdout) == own | SUMMARIES
    assert len(before) == 2 * 3 + 2 * 3 + 2 + 3 * 2
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "knn,extra" in (mine / "results/mine/leaderboard.csv").read_text()

    extra.write_text("# a comment changes nothing\ntitle: Nor does a title\n" + EXTRA)
    assert not {"extract_features", "audit_model"} & jobs(run_mine(mine, "-n").stdout).keys()
    extra.write_text(EXTRA.replace("std", "max"))
    assert jobs(run_mine(mine, "-n").stdout) == own | SUMMARIES
    stamp = track.stat()
    os.utime(track)
    counts = jobs(run_mine(mine, "-n").stdout)
    assert (counts["extract_features"], counts["extract_features_2"]) == (3, 1)  # its shard's tables of all presets
    assert counts["inspect_tracks"] == 1 and counts["train_model"] == 4
    os.utime(track, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    extra.write_text(EXTRA)
    assert "Nothing to be done" in run_mine(mine, "-n").stdout

    try_knn_on(mine, "jlaoo26", "mfcccov")
    assert jobs(run_mine(mine, "-n").stdout) == SUMMARIES


def test_clips_are_kept_on_request_and_nothing_else_is_redone(mine):
    done = run_mine(mine)
    assert done.returncode == 0 and not list(mine.glob("data/clips/mine/**/*.wav"))
    done = snakemake(mine, "--cores", "2", *mine_words(), "keep_clips=True", PYTHONPATH=str(mine / "src"))
    assert done.returncode == 0 and jobs(done.stdout) == {"cut_clips": 3}
    good = [row for row in rows(mine / "results/mine/clips.csv") if row["status"] == "ok"]
    assert len(list(mine.glob("data/clips/mine/*/*.wav"))) == len(good) == 3 * SONGS * 3
    assert "Nothing to be done" in run_mine(mine, "-n").stdout
    for folder in mine.glob("data/clips/mine/*/"):
        shutil.rmtree(folder)


def test_a_new_song_redoes_its_shard_and_what_depends_on_it(mine):
    write_wav(mine / "my/audio/new.wav", song("mid", 99))
    write_sheet(mine / "my", [{"track_id": "new", "label": "mid", "path": "audio/new.wav"}])
    before = {path: path.stat().st_mtime_ns for path in mine.glob("data/features/mine/*/*/*.parquet")}
    done = run_mine(mine)
    assert done.returncode == 0, done.stdout[-3000:]
    counts = jobs(done.stdout)
    assert counts["acquire_tracks"] == counts["inspect_tracks"] == counts["extract_features"] == 1
    assert counts["train_model"] == 3
    changed = [path for path, stamp in before.items() if path.stat().st_mtime_ns != stamp]
    assert len(before) == 9 and len(changed) == 2  # one shard of two presets; the third has left
    assert "new" in {row["track_id"] for row in rows(mine / "results/mine/tracks.csv")}

    try_knn_on(mine, "extra", "jlaoo26", "mfcccov")
    counts = jobs(run_mine(mine, "-n").stdout)
    assert counts == {"extract_features": 1, "train_model": 1, "audit_model": 1} | SUMMARIES
    try_knn_on(mine, "jlaoo26", "mfcccov")
    write_sheet(mine / "my")


def test_a_removed_model_is_tagged_stale_and_a_lost_store_is_rebuilt(mine, monkeypatch):
    import mlflow

    # Else this process would go on reading the deleted database.
    monkeypatch.setenv("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")

    def tags():
        client = mlflow.MlflowClient(f"sqlite:///{mine / 'mlflow.db'}")
        experiment = client.get_experiment_by_name("mine")
        return {run.info.run_name: run.data.tags.get("stale") for run in client.search_runs([experiment.experiment_id])}

    assert run_mine(mine, models="[majority]").returncode == 0
    found = tags()
    assert found["majority@jlaoo26"] is None and found["knn@mfcccov"] == "true"
    (mine / "mlflow.db").unlink()
    assert jobs(run_mine(mine, "-n", models="[majority]").stdout) == {"log_runs": 1}
    assert run_mine(mine, models="[majority]").returncode == 0
    assert tags() == {"majority@jlaoo26": None}
    assert "Nothing to be done" in run_mine(mine, models="[majority]").stdout


def test_a_leak_planted_in_the_splits_stops_the_run(mine):
    assert run_mine(mine).returncode == 0  # else the splits might be made anew
    path = mine / "results/mine/splits.csv"
    original = path.read_text()
    splits = pd.read_csv(path)
    planted = splits.index[(splits["protocol"] == "by-song") & (splits["track_id"] == "mid-2")][0]
    splits.loc[planted, "fold"] = (splits.loc[planted, "fold"] + 1) % 5
    splits.to_csv(path, index=False)
    try:
        done = run_mine(mine)
        assert done.returncode != 0
        assert "by-song" in done.stdout and "song 'mid-2'" in done.stdout and "Traceback" not in done.stdout
    finally:
        path.write_text(original)


def test_bad_tracks_are_left_out_and_the_rest_goes_on(mine):
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
    done = run_mine(mine)
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
    lost = [mine / f"my/audio/high-{number}.wav" for number in range(2)]
    for path in lost:
        path.rename(path.with_suffix(".away"))
    try:
        done = run_mine(mine)
        assert done.returncode != 0 and "Traceback" not in done.stdout
        assert "class high has only 3 usable songs; at least 5 per class are needed" in done.stdout
        found = {row["track_id"]: row["status"] for row in rows(mine / "results/mine/tracks.csv")}
        assert found["high-0"] == "failed" and found["high-2"] == "ok"
    finally:
        for path in lost:
            path.with_suffix(".away").rename(path)
