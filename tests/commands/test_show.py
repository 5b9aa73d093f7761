"""`songwise show`: the same figures as the leaderboard's."""

import json
from pathlib import Path

from helpers.finished import BEST, WRONG

from songwise.files import read_rows
from songwise.report.headline import headline
from songwise.report.summary import read_summary


def test_the_last_screen_of_a_run_is_shown_again(project, run):
    results = Path("results/tones")
    code, out, err = run("show")
    assert (code, err) == (0, "")
    assert out == headline(read_summary(results), results) + "\n"
    assert "best model     87 %" in out and BEST in out


def test_the_whole_leaderboard_is_shown(project, run):
    header, *lines = run("show", "tones", "--all").out.splitlines()
    assert header.split() == ["model@preset", "songs", "95", "%", "clips", "p", "fit,", "s"]
    rows = read_rows(Path("results/tones/leaderboard.csv"))
    assert [line.split()[1] for line in lines] == list(WRONG) == [f"{row['model']}@{row['features']}" for row in rows]
    assert "87 %  [71, 100]" in lines[0] and "tied" not in lines[0] and lines[1].endswith("tied")


def test_a_script_gets_one_object(project, run):
    found = json.loads(run("show", "--json").out)
    assert found["best"] == BEST and found["n_songs"] == 19
    assert found["accuracy"]["value"] == float(read_rows(Path("results/tones/leaderboard.csv"))[0]["song_accuracy"])
