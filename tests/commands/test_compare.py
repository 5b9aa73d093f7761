"""`songwise compare`: the leaderboard's figures, and a verdict that follows from the paired difference."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers.finished import BEST

from songwise.commands.latex import tex
from songwise.files import read_rows


def compared(run, *words) -> dict:
    done = run("compare", *words, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_figures_are_those_of_the_leaderboard(project, run):
    found = compared(run, BEST, "majority")
    rows = {f"{row['model']}@{row['features']}": row for row in read_rows(Path("results/tones/leaderboard.csv"))}
    for key, name in (("first", BEST), ("second", "majority@jlaoo26")):
        assert found[key] == name
        ends = {"value": "", "low": "_low", "high": "_high"}
        expected = {end: float(rows[name][f"song_accuracy{column}"]) for end, column in ends.items()}
        assert found[f"{key}_accuracy"] == pytest.approx(expected, abs=1e-4)


def test_songs_are_counted_by_who_is_right(project, run):
    # Of 19 votes, each is wrong about high 02; lda_shrinkage alone about low 03; knn alone about five others. A song
    # that is right in one of two repeats is not right in most of them.
    found = compared(run, "lda_shrinkage", "knn@mfcccov")
    assert [found[name] for name in ("both", "only_first", "only_second", "neither")] == [11, 5, 1, 2]
    assert found["difference"]["value"] == pytest.approx(4 / 19, abs=1e-4)


def test_swapping_the_models_swaps_the_sign_and_nothing_else(project, run):
    found, swapped = compared(run, BEST, "majority"), compared(run, "majority", BEST)
    low, value, high = (found["difference"][name] for name in ("low", "value", "high"))
    assert swapped["difference"] == pytest.approx({"value": -value, "low": -high, "high": -low})
    assert swapped["p"] == found["p"] and (swapped["both"], swapped["neither"]) == (found["both"], found["neither"])


def test_the_verdict_names_the_better_model_only_if_the_difference_is_larger_than_chance(project, run):
    for words in ((BEST, "majority"), ("majority", BEST)):
        lines = run("compare", *words).out.splitlines()
        assert lines[-2].startswith(f"{BEST} is better than majority@jlaoo26 on such songs")
    unclear = run("compare", BEST, "knn@mfcccov").out
    assert "These 19 songs do not show which of the two is better" in unclear and "is better than" not in unclear


def test_wrong_names_get_a_suggestion(project, run):
    assert run("compare", "lda_shrinkag", "majority").err.endswith("did you mean 'lda_shrinkage@mfcccov'?\n")
    assert "knn ran on several presets" in run("compare", "knn", "majority").err
    assert f"{BEST} is compared with itself" in run("compare", BEST, "lda_shrinkage").err


def test_models_that_were_tested_on_different_songs_are_not_compared(project, run):
    path = Path("results/tones/models/majority@jlaoo26/by-song/songs.csv")
    path.write_text("".join(line for line in path.read_text().splitlines(True) if "low 09" not in line))
    assert "were tested on different songs. Run snakemake again" in run("compare", BEST, "majority").err


def test_names_are_escaped_in_latex(project, run):
    out = run("compare", BEST, "majority", "--latex").out
    assert r"lda\_shrinkage@mfcccov & 86.8 & [" in out and "\\toprule" in out and out.count("\\\\") == 4
    assert tex("50% & a_b{c}~^\\") == r"50\% \& a\_b\{c\}\textasciitilde{}\textasciicircum{}\textbackslash{}"


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs LaTeX")
def test_the_table_compiles(project, run, tmp_path):
    table = run("compare", BEST, "majority", "--latex").out
    text = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n" + table + "\\end{document}\n"
    (tmp_path / "t.tex").write_text(text)
    subprocess.run(["pdflatex", "-interaction=batchmode", "t.tex"], cwd=tmp_path, check=True)
