"""All figures share one canvas: sizes are in inches, and the same figure gives the same bytes."""

import pytest
from matplotlib.image import imread

from songwise.figures.canvas import new_axes, save_figure


def test_margins_are_in_inches():
    axes = new_axes(3, 2, left=1, right=0.5, bottom=0.25, top=0.75)
    assert axes.figure.get_size_inches().tolist() == [4.5, 3]
    assert axes.get_position().bounds == pytest.approx((1 / 4.5, 0.25 / 3, 3 / 4.5, 2 / 3))


def test_a_figure_is_a_png_without_the_library_that_made_it(tmp_path):
    for name in ("one.png", "other.png"):
        save_figure(new_axes(3, 2, left=1, right=0.5, bottom=0.25, top=0.75).figure, tmp_path / "new" / name)
    content = (tmp_path / "new/one.png").read_bytes()
    assert content == (tmp_path / "new/other.png").read_bytes()
    assert b"Software" not in content
    assert imread(tmp_path / "new/one.png").shape[:2] == (330, 495)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["one.png", "other.png"]
