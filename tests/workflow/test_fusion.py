"""The workflow with a network of the user's own and a fusion: members are fitted once, and only what changed is redone.

One project has run once. Each test works in a copy of it, so the tests can run alone and in any order.
"""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.hearing import add_network, edit_network
from helpers.project import copy_finished, copy_project, jobs, snakemake
from helpers.sound import tone, write_wav
from helpers.tables import rows

from songwise.models.bundle import load_bundle

pytestmark = pytest.mark.workflow

CLASSES = {"low": 200, "high": 230}
SONGS = 6
SETTINGS = ("--config", "dataset=my/mine.yaml", "min_songs=4", "show_tracks=none")
ROWS = ["hear@heard", "majority@jlaoo26"]
MEMBERS = ["lda_shrinkage@jlaoo26", "logistic_regression@tiny"]
PROTOCOLS = ["by-song", "random-clips"]
# What follows from the set of rows as a whole.
SUMMARIES = dict.fromkeys(("check_models", "evaluate_models", "study_best", "cluster_songs", "crown_champion"), 1)
SUMMARIES |= dict.fromkeys(("compare_standardised", "draw_confusions", "draw_leakage", "draw_calibration"), 1)
SUMMARIES |= dict.fromkeys(("draw_learning_curve", "draw_importance", "draw_map", "render_report", "log_runs"), 1)
FUSE = {"fuse_models": 1, "audit_fusion": 1}


def run_mine(folder: Path, *words: str, models: str = f"models=[{', '.join(ROWS)}]", **environment: str):
    return snakemake(folder, "--cores", "2", *words, *SETTINGS, models, **environment)


def dry_run(folder: Path, **options: str) -> dict[str, int]:
    done = run_mine(folder, "-n", PYTHONPATH=str(folder / "src"), **options)
    assert done.returncode == 0, done.stdout[-3000:]
    return jobs(done.stdout)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """A project with a network and a fusion of its own that has run, and that run. Tests must not change it."""
    folder = copy_project(tmp_path_factory.mktemp("finished"))
    add_network(folder)
    rng = np.random.default_rng(0)
    lines = ["track_id,label,path"]
    for label, hertz in CLASSES.items():
        for number in range(SONGS):
            write_wav(folder / f"my/audio/{label}-{number}.wav", tone(9, hertz * rng.uniform(0.9, 1.1)))
            lines.append(f"{label}-{number},{label},audio/{label}-{number}.wav")
    (folder / "my/mine.csv").write_text("\n".join(lines) + "\n")
    content = {"name": "mine", "source": {"type": "manifest", "tracks": "mine.csv"}, "shards": 1}
    content |= {"clip": {"seconds": 3, "min_seconds": 3}, "split": {"folds": 3, "repeats": 1}}
    (folder / "my/mine.yaml").write_text(yaml.safe_dump(content))
    done = run_mine(folder)
    assert done.returncode == 0, done.stdout[-4000:]
    return folder, done


@pytest.fixture
def mine(finished, tmp_path) -> Path:
    """A copy of the finished project for one test."""
    return copy_finished(finished[0], tmp_path / "mine")


def test_members_of_a_fusion_are_fitted_once_and_are_not_rows(finished):
    folder, done = finished
    counts = jobs(done.stdout)
    assert counts["extract_features"] == counts["embed_clips"] == 1
    assert counts["train_model"] == counts["audit_model"] == len(MEMBERS) + 1  # and majority@jlaoo26
    assert counts["predict_inner"] == len(MEMBERS) * len(PROTOCOLS)
    assert counts["fuse_models"] == counts["audit_fusion"] == 1
    board = rows(folder / "results/mine/leaderboard.csv")
    assert sorted(f"{row['model']}@{row['features']}" for row in board) == ROWS
    leakage = rows(folder / "results/mine/leakage.csv")
    assert {row["model"] for row in leakage} == {"hear", "majority"}
    assert "left out" not in done.stdout and "Traceback" not in done.stdout


def test_a_fusion_writes_the_weights_of_every_fold(finished):
    for protocol in PROTOCOLS:
        weights = pd.read_csv(finished[0] / "results/mine/models/hear@heard" / protocol / "weights.csv")
        assert list(weights.columns) == ["repeat", "fold", "member", "weight"]
        assert list(weights["member"]) == MEMBERS * 3 and list(weights["fold"]) == [0, 0, 1, 1, 2, 2]
        assert (weights["weight"] >= 0).all() and weights["weight"].any()


def test_a_network_of_your_own_is_heard_and_is_in_the_bundle(finished):
    folder = finished[0]
    (table,) = folder.glob("data/features/mine/tiny/*/0.parquet")
    features = pd.read_parquet(table).set_index("clip_id")
    assert features.shape == (2 * SONGS * 3, 40) and features.to_numpy().std() > 0
    pipeline, card = load_bundle(folder / "results/mine/models/hear@heard/bundle")
    assert all(name.startswith("jlaoo26.") for name in card["columns"][:26])
    assert card["columns"][-40:] == [f"tiny.{name}" for name in features.columns]
    assert card["preset"]["join"]["tiny"]["network"]["weights"]["license"] == "none"
    (librosa,) = folder.glob("data/features/mine/jlaoo26/*/0.parquet")
    X = np.hstack([pd.read_parquet(librosa).set_index("clip_id").loc[features.index], features])
    probabilities = pipeline.predict_proba(X.astype(np.float64))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_a_member_that_becomes_a_row_is_not_fitted_again(mine):
    counts = dry_run(mine, models=f"models=[{', '.join([*ROWS, *MEMBERS])}]")
    assert counts == {name: count for name, count in SUMMARIES.items() if name != "check_models"}
    assert dry_run(mine) == {}


# Files in which a line of code is added, and the jobs that follow.
FOLLOWS = {
    "src/songwise/models/fusion.py": FUSE | SUMMARIES,
    "src/songwise/features/networks/session.py": FUSE
    | SUMMARIES
    | {"embed_clips": 1, "train_model": 1, "audit_model": 1, "predict_inner": len(PROTOCOLS)},
    "src/songwise/features/dsp/rhythm.py": FUSE
    | SUMMARIES
    | {"extract_features": 1, "train_model": 2, "audit_model": 2, "predict_inner": len(PROTOCOLS)},
    "src/songwise/models/fuse.py": FUSE | SUMMARIES,
    "src/songwise/models/inner_predictions.py": FUSE | SUMMARIES | {"predict_inner": len(MEMBERS) * len(PROTOCOLS)},
}
NOTHING = ["acquire/weights.py", "plan/weights.py", "features/joined.py", "features/preset_files.py"]


@pytest.mark.parametrize("name", FOLLOWS)
def test_an_edit_redoes_what_follows_from_it_and_nothing_else(mine, name):
    with (mine / name).open("a") as stream:
        stream.write("\n_EDITED = 1\n")
    assert dry_run(mine) == FOLLOWS[name]


def test_edits_of_what_is_known_before_any_job_redo_nothing_and_an_attribution_no_features(mine):
    for name in NOTHING:
        with (mine / "src/songwise" / name).open("a") as stream:
            stream.write("\n_EDITED = 1\n")
    assert dry_run(mine) == {}
    path = mine / "config/networks/tiny.yaml"
    path.write_text(path.read_text().replace("attribution: this test", "attribution: someone else"))
    assert dry_run(mine) == {"train_model": 1, "fuse_models": 1} | SUMMARIES  # their bundles name whom to credit
    front_end = yaml.safe_load(path.read_text())["front_end"]
    edit_network(mine, front_end=front_end | {"fmin": 30})
    assert dry_run(mine) == FOLLOWS["src/songwise/features/networks/session.py"]


def test_without_weights_or_network_a_group_runs_and_names_the_rows_that_it_leaves_out(mine, tmp_path):
    with (mine / "config/model_groups.yaml").open("a") as groups:
        groups.write(f"pretrained: [{', '.join([*ROWS, 'knn@jlaoo26'])}, lda_pooled@musicnn]\n")
    (tmp_path / "empty").mkdir()
    offline = {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "empty"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    words = ("results/mine/leaderboard.csv", "--config", f"weights={tmp_path / 'empty'}")
    done = snakemake(mine, "--cores", "2", *words, *SETTINGS[1:], "models=pretrained", **offline)
    assert done.returncode == 0, done.stdout[-3000:]
    before, _, _ = done.stdout.partition("Job stats")
    (message,) = [line for line in before.splitlines() if "left out" in line]
    assert message.startswith("songwise: left out: lda_pooled@musicnn. The weights of musicnn are not here (failed: ")
    assert message.endswith(
        "To get them: songwise weights musicnn, or set weights to a folder that has musicnn-0.1.0-py3-none-any.whl"
    )
    assert done.stdout.count("left out: lda_pooled") == 2, "at the start, and at the end, where it is seen"
    assert "Traceback" not in done.stdout
    board = rows(mine / "results/mine/leaderboard.csv")
    assert sorted(f"{row['model']}@{row['features']}" for row in board) == sorted([*ROWS, "knn@jlaoo26"])
    stopped = run_mine(mine, models="models=[majority@jlaoo26, lda_pooled@musicnn]", **offline)
    assert stopped.returncode != 0 and "Job stats" not in stopped.stdout and "Traceback" not in stopped.stdout
    assert "songwise: config: models: lda_pooled@musicnn: The weights of musicnn are not here (failed" in stopped.stdout
