"""What every command about a finished run does if there is none, or if its files are damaged."""

import shutil

import pytest
from helpers.finished import BEST

ABOUT_RUNS = [
    ["show"],
    ["show", "--all"],
    ["errors"],
    ["compare", "lda_shrinkage", "majority"],
    ["report"],
    ["ui", "--no-open"],
    ["methods"],
]
IN_A_PROJECT = [*ABOUT_RUNS, ["list"], ["explain", "knn"], ["clean", "tones"], ["push", "tones"], ["pull"]]
ELSEWHERE = [["classify", __file__], ["similar", "a.wav"], ["serve"], ["init", "."], ["prepare", "demo"]]
FIGURES = [words for words in ABOUT_RUNS if words[0] not in ("report", "ui")]


@pytest.mark.parametrize("words", [*IN_A_PROJECT, *ELSEWHERE], ids=" ".join)
def test_outside_a_project_a_command_says_so_in_one_line(words, tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*words)
    assert (code, out) == (1, "") and err.count("\n") == 1
    assert err.startswith(f"songwise: {tmp_path} is not the folder of a songwise project (it has no Snakefile)")


@pytest.mark.parametrize("words", ABOUT_RUNS, ids=" ".join)
def test_without_a_run_a_command_says_what_to_run(words, project, run):
    shutil.rmtree("results")
    code, out, err = run(*words)
    assert (code, out) == (1, "")
    assert err == ("songwise: no run has finished in this folder. Run snakemake first, which needs no download\n")


@pytest.mark.parametrize("words", ABOUT_RUNS, ids=" ".join)
def test_a_data_set_that_has_not_run_is_told_from_one_that_does_not_exist(words, project, run):
    named = ["--dataset"] if words[0] == "compare" else []
    assert run(*words, *named, "gtzan").err == (
        "songwise: no run of gtzan has finished. Run snakemake --config dataset=gtzan first\n"
    )
    assert run(*words, *named, "tone").err == "songwise: there is no data set 'tone'; did you mean 'tones'?\n"
    assert run(*words, *named, "../results/tones").code == 1


@pytest.mark.parametrize("name", ["headline.json", "leaderboard.csv", "leakage.csv", "champion/card.json"])
@pytest.mark.parametrize("words", FIGURES, ids=" ".join)
def test_a_damaged_file_is_named_with_what_to_do(words, name, project, run):
    path = project / "results/tones" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    code, out, err = run(*words)
    assert (code, out) == (1, "") and err.count("\n") == 1
    assert err.startswith(f"songwise: results/tones/{name} is damaged (")
    assert err.endswith(". Delete it and run snakemake again, which makes it\n")


@pytest.mark.parametrize("name", ["headline.json", "leaderboard.csv"])
@pytest.mark.parametrize("words", FIGURES, ids=" ".join)
def test_a_missing_file_is_named_with_what_to_do(words, name, project, run):
    (project / "results/tones" / name).unlink()
    code, _, err = run(*words)
    assert code == 1 and err == f"songwise: results/tones/{name} is missing. Run snakemake again, which makes it\n"


def test_a_word_in_place_of_a_number_is_named_with_its_line(project, run):
    path = project / "results/tones/leaderboard.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], lines[2].replace(",20,", ",20,x", 1), *lines[3:], ""]))
    err = run("show").err
    assert err.startswith("songwise: results/tones/leaderboard.csv is damaged (line 3: clip_accuracy 'x")


def test_results_of_an_earlier_version_say_that_nothing_is_trained_again(project, run):
    path = project / "results/tones/headline.json"
    path.write_text(path.read_text().replace('"n_models"', '"models"'))
    code, _, err = run("show")
    assert code == 1 and "written by an earlier version of songwise" in err and "dataset=tones again" in err


def test_without_a_name_other_data_sets_are_mentioned(project, run):
    shutil.copytree("results/tones", "results/alien")
    (project / "results/alien/champion/card.json").touch()
    code, out, err = run("show")
    assert code == 0 and err == "songwise: the last run, alien; for another one: songwise show tones\n"
    assert run("show", "tones").err == ""
    assert BEST in out
