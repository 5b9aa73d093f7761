"""What `dvc metrics` and `dvc plots` show of the results, for one person and for a team that commits them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.project import ROOT
from helpers.results import write_result_tables

from songwise.files import write_json, write_rows
from songwise.paths import protocol_folder
from songwise.tracking.dvc_view import write_dvc_view

RUNS = [f"a_model_with_a_long_name_{number}@a_preset_with_a_long_name" for number in range(21)]
FIGURES = {"n_songs": 30, "n_clips": 90, "song_accuracy": 0.8, "song_accuracy_low": 0.7123, "song_accuracy_high": 0.9}
FIGURES |= {f"clip_accuracy{end}": 0.6 for end in ("", "_low", "_high")}


def write_results(name: str, **figures: float) -> None:
    folder = Path("results", name)
    write_result_tables(folder, RUNS, FIGURES | figures, title=f"The {name}")
    songs = [{"song": f"s{i}", "label": "ABC"[i % 3], "predicted": "ABC"[i % 2]} for i in range(30)]
    write_rows(protocol_folder(folder, RUNS[0], "by-song") / "songs.csv", ["song", "label", "predicted"], songs)
    for picture in ("leakage.png", "calibration.png", f"models/{RUNS[0]}/confusion_song.png"):
        (folder / picture).write_bytes(picture.encode())
    write_dvc_view(folder, Path("results/_dvc"))


def run(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def dvc(*words: str) -> str:
    return run(str(Path(sys.executable).with_name("dvc")), *words)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A clone with DVC's settings and two finished runs, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in (".dvc/config", ".dvc/plots/songs.json", "dvc.yaml", ".gitignore", "config/config.yaml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, name)
    run("git", "init", "-q")
    write_results("demo")
    write_results("open-music")
    return tmp_path


def test_metrics_are_one_row_per_data_set_that_fits_into_100_columns(project):
    table = dvc("metrics", "show").splitlines()
    assert [line.split()[0] for line in table[1:]] == [
        "results/_dvc/best/demo.json",
        "results/_dvc/best/open-music.json",
    ]
    assert table[0].split() == ["Path", "best", "corrected", "facts", "guessing", "high", "low", "random"]
    assert table[1].split()[1:] == ["0.8", "0.8", "0.35", "0.4", "0.9", "0.7123", "0.95"]
    assert max(map(len, table)) <= 100


def test_a_team_compares_the_results_with_a_commit(project):
    commit = ("git", "-c", "user.name=kim", "-c", "user.email=kim@example.org", "commit", "-qm", "Results")
    run("git", "add", ".")
    run("git", "add", "--force", "results/_dvc")
    run(*commit)
    write_results("open-music", song_accuracy=0.85)
    lines = [line.split() for line in dvc("metrics", "diff").splitlines()]
    assert lines[1:] == [
        ["results/_dvc/best/open-music.json", name, "0.8", "0.85", "0.05"] for name in ("best", "corrected")
    ]
    of_models = dvc("metrics", "diff", "--targets", "results/_dvc/models/open-music.json").splitlines()
    assert len(of_models) == 1 + len(RUNS) and f"{RUNS[20]}.song_accuracy" in "".join(of_models)


def test_plots_have_the_title_of_their_data_set_and_pictures_need_no_network(project, tmp_path):
    dvc("plots", "show", "--out", str(tmp_path / "all"))
    page = (tmp_path / "all/index.html").read_text()
    assert f"The open-music: songs never heard, by {RUNS[0]}" in page and "The demo: songs" in page
    dvc("plots", "show", "results/_dvc/figures", "--out", str(tmp_path / "pictures"))
    page = (tmp_path / "pictures/index.html").read_text()
    assert "https:" not in page and "results/_dvc/figures/demo/confusion_song.png" in page
    assert len(list((tmp_path / "pictures/static").iterdir())) == 6


def test_a_figure_that_was_not_measured_is_left_out(project):
    Path("results/demo/shortcuts.json").unlink()
    facts = json.loads(Path("results/demo/headline.json").read_text())
    write_json(Path("results/demo/headline.json"), facts | {"n_models": 1})
    write_dvc_view(Path("results/demo"), Path("results/_dvc"))
    assert sorted(json.loads(Path("results/_dvc/best/demo.json").read_text())) == [
        "best", "guessing", "high", "low", "random"
    ]  # fmt: skip
