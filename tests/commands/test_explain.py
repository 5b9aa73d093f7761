"""`songwise explain`: what the YAML files say, and the rows of finished runs."""

from pathlib import Path

from helpers.finished import BEST


def test_a_model_is_explained_from_its_file(project, run):
    out = run("explain", "svm_rbf").out
    assert out.startswith("Model svm_rbf: Support vector machine, RBF\n")
    for line in (
        "estimator       SVC of scikit-learn",
        "search          C: [1, 10, 100]",
        "default, offline, classical",
    ):
        assert line in out
    assert out.endswith("It is in no finished run.\n")


def test_results_of_finished_runs_are_shown(project, run):
    line = run("explain", "lda_shrinkage").out.splitlines()[-1]
    assert line.split() == ["tones", BEST, "87", "%", "[71,", "100]", "1", "of", "4", "1.2"]
    of_preset = run("explain", "jlaoo26").out
    assert "knn@jlaoo26" in of_preset and BEST not in of_preset
    exact = run("explain", "knn@jlaoo26").out
    assert exact.count("knn@jlaoo26") == 1 and "knn@mfcccov" not in exact
    assert "Model knn:" in exact and "Preset jlaoo26:" in exact


def test_a_preset_names_its_networks_and_licences(project, run):
    out = run("explain", "fused").out
    assert "columns         5,033" in out and "Network musicnn" in out and "licence         ISC" in out
    assert "github.com/fschmid56/EfficientAT" in out
    assert "low-pass at 8000 Hz" in run("explain", "mfcccov_standardised").out
    assert "none: frames only" in run("explain", "frames_mel").out


def test_comments_of_the_file_are_kept(project, run):
    path = Path("config/models/knn.yaml")
    path.write_text(f"# As simple as it gets.\n{path.read_text()}")
    assert "\nAs simple as it gets.\n" in run("explain", "knn").out


def test_wrong_names_get_a_suggestion(project, run):
    assert run("explain", "svm_rb").err == "songwise: there is no model or preset 'svm_rb'; did you mean 'svm_rbf'?\n"
    assert "there is no preset 'mfcov'; did you mean 'mfcccov'?" in run("explain", "knn@mfcov").err
    assert "there is no model 'knm'; did you mean 'knn'?" in run("explain", "knm@mfcccov").err
    assert "songwise list models" in run("explain", "zzzzzz").err


def test_damaged_results_do_not_hide_the_explanation(project, run):
    Path("results/tones/leaderboard.csv").write_text("model,features\nknn,mfcccov\n")
    out = run("explain", "knn").out
    assert "KNeighborsClassifier" in out and "(damaged)" in out
