"""The figure of leakage shows the accuracy of each model under each protocol."""

import pytest

from songwise.evaluation.columns import LEAKAGE_COLUMNS
from songwise.figures.leakage import draw_leakage, leakage_figure
from songwise.files import write_rows

PROTOCOLS = ["by-song", "random-clips", "by-artist"]


def rows(models: int) -> list[dict]:
    return [
        dict.fromkeys(LEAKAGE_COLUMNS, "0")
        | {"model": f"model{number}", "features": "mfcc", "protocol": protocol}
        | {"clip_accuracy": accuracy, "clip_accuracy_low": accuracy - 0.1, "clip_accuracy_high": accuracy + 0.05}
        for number in range(models)
        for protocol, accuracy in zip(PROTOCOLS, (0.6 - number / 100, 0.9, 0.4), strict=True)
    ]


def test_every_dot_is_at_its_models_accuracy_with_its_interval():
    (axes,) = leakage_figure(rows(2), PROTOCOLS).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["model0@mfcc", "model1@mfcc"]
    assert [line.get_label() for line in axes.lines] == PROTOCOLS
    assert [list(line.get_xdata()) for line in axes.lines] == [[0.6, 0.59], [0.9, 0.9], [0.4, 0.4]]
    bars = [segment for bar in axes.collections for segment in bar.get_segments()]
    assert [(bar[0][0], bar[1][0]) for bar in bars[:2]] == [(0.5, pytest.approx(0.65)), (0.49, pytest.approx(0.64))]
    assert axes.get_xlim() == (0, 1) and axes.get_ylim()[0] > axes.get_ylim()[1]  # the best is on top
    assert [text.get_text() for text in axes.get_legend().get_texts()] == PROTOCOLS


def test_no_more_than_twenty_models_are_drawn(tmp_path):
    assert len(leakage_figure(rows(30), PROTOCOLS).axes[0].get_yticks()) == 20
    write_rows(tmp_path / "leakage.csv", LEAKAGE_COLUMNS, rows(30))
    draw_leakage(tmp_path / "leakage.csv", PROTOCOLS, tmp_path / "leakage.png")
    draw_leakage(tmp_path / "leakage.csv", PROTOCOLS, tmp_path / "again.png")
    assert (tmp_path / "leakage.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    assert (tmp_path / "leakage.png").stat().st_size < 200_000
