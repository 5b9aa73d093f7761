"""The importance of feature families is drawn as bars, the most important family on top."""

import pytest

from songwise.figures.importance import draw_importance, importance_figure
from songwise.files import write_json, write_rows


def falls(families: int) -> list[dict]:
    return [
        {"family": f"family{n}", "columns": "3", "fall": f"{0.3 - n / 100}", "low": "-0.1", "high": "0.5"}
        for n in range(families)
    ]


def test_the_largest_fall_is_on_top_in_percentage_points():
    (axes,) = importance_figure(falls(3), title="knn").axes
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == pytest.approx([30, 29, 28])
    assert [bar.get_y() for bar in axes.patches] == sorted((bar.get_y() for bar in axes.patches), reverse=True)
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["family0 (3)", "family1 (3)", "family2 (3)"]


def test_of_many_families_the_first_25_are_drawn(tmp_path):
    assert len(importance_figure(falls(40), title="knn").axes[0].patches) == 25
    write_rows(tmp_path / "importance.csv", falls(1)[0], falls(40))
    write_json(tmp_path / "study.json", {"run": "knn@mfcc"})
    draw_importance(tmp_path / "importance.csv", tmp_path / "study.json", tmp_path / "importance.png")
    assert (tmp_path / "importance.png").stat().st_size > 5000
