"""Rows about models: what ties, what is older, and what other protocols would claim."""

from helpers.report import make_results, render
from helpers.tables import rows

from songwise.files import write_rows
from songwise.report.board import compared, fusions, marks_of, ranked


def test_rows_say_how_they_compare_and_of_which_run_they_are(tmp_path):
    make_results(tmp_path)
    best, other, third = ranked(
        rows(tmp_path / "leaderboard.csv"), {"best@a": ["Best model", "Preset a"], "other@b": ["", ""]}
    )
    assert (best.mark, best.p, best.title, best.this_run) == ("best", "", "Best model · Preset a", True)
    assert (other.mark, other.p, other.title, other.this_run) == ("tied", "1.00", "", False)
    assert (third.mark, third.p, third.this_run) == ("", "below 0.01", True)
    marks = [marks_of(one.row, one.place) for one in (best, other, third)]
    assert marks == [[], ["tied", "from an earlier run"], ["fitted to 8 % of the training clips"]]


def test_leakage_is_compared_with_the_leaderboards_protocol(tmp_path):
    make_results(tmp_path, protocols=("by-song", "random-clips", "by-artist"))
    first = compared(rows(tmp_path / "leakage.csv"), ["by-song", "random-clips", "by-artist"])[0]
    assert first.run == "best@a" and [one["song"].percent for one in first.audited] == ["97 %", "97 %"]
    assert [one["points"].value for one in first.audited] == [0.2, 0.4]


def test_the_weights_of_a_fusion_the_largest_first(tmp_path):
    table = [
        {"repeat": 0, "fold": fold, "member": member, "weight": weight}
        for fold, weights in enumerate([{"a@x": 0.1, "b@y": 0.5}, {"a@x": 0.3, "b@y": 0.7}])
        for member, weight in weights.items()
    ]
    results = make_results(tmp_path, runs=("fusion@fused", "a@x"))
    write_rows(results / "models/fusion@fused/by-song/weights.csv", table[0], table)
    (fusion,) = fusions(results, ["fusion@fused", "a@x"], "by-song")
    assert fusion["run"] == "fusion@fused" and [member["name"] for member in fusion["members"]] == ["b@y", "a@x"]
    assert [(round(one["mean"], 6), one["low"], one["high"]) for one in fusion["members"]] == [
        (0.6, 0.5, 0.7),
        (0.2, 0.1, 0.3),
    ]
    assert "0.50 to 0.70" in render(results).read_text()
