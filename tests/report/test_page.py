"""The page explains everything that it names."""

import pytest
from helpers.project import ROOT

from songwise.files import write_rows
from songwise.report.page import _fusions
from songwise.splits.protocols import PROTOCOLS, RANDOM_CLIPS


@pytest.mark.parametrize("name", [*PROTOCOLS, RANDOM_CLIPS])
def test_every_protocol_has_a_meaning_on_the_page(name):
    section = (ROOT / "workflow/report/page/leakage.html").read_text()
    assert f'"{name}": "' in section, f"add {name} to the meanings in workflow/report/page/leakage.html"


def test_the_page_has_the_weights_of_a_fusion_the_largest_first(tmp_path):
    rows = [
        {"repeat": 0, "fold": fold, "member": member, "weight": weight}
        for fold, weights in enumerate([{"a@x": 0.1, "b@y": 0.5}, {"a@x": 0.3, "b@y": 0.7}])
        for member, weight in weights.items()
    ]
    write_rows(tmp_path / "models/fusion@fused/by-song/weights.csv", rows[0], rows)
    leaderboard = [{"model": "fusion", "features": "fused"}, {"model": "a", "features": "x"}]
    (fusion,) = _fusions(tmp_path, leaderboard, "by-song")
    assert fusion["run"] == "fusion@fused" and [member["name"] for member in fusion["members"]] == ["b@y", "a@x"]
    assert [(round(one["mean"], 6), one["low"], one["high"]) for one in fusion["members"]] == [
        (0.6, 0.5, 0.7),
        (0.2, 0.1, 0.3),
    ]
