"""A confusion matrix shows the share of each true class, from the table beside it."""

import numpy as np

from songwise.evaluation.confusion import write_confusion
from songwise.figures.confusion import confusion_figure, draw_confusions
from songwise.files import write_json

LABELS = ["a", "label", "$c$"]
MATRIX = np.array([[3.0, 1.0, 0.0], [0.0, 2.5, 0.0], [0.0, 0.0, 0.0]])


def test_numbers_are_shares_of_the_row_and_empty_cells_have_none():
    (axes,) = confusion_figure(MATRIX, LABELS, title="knn@mfcc, songs", truth="genre").axes
    assert [(text.get_position(), text.get_text()) for text in axes.texts] == [
        ((0, 0), "0.75"),
        ((1, 0), "0.25"),
        ((1, 1), "1.00"),
    ]
    assert [text.get_text() for text in axes.get_yticklabels()] == LABELS
    assert axes.get_ylabel() == "true genre"


def test_every_table_gets_its_figure(tmp_path):
    """Even if a class is called "label", as the first column of the table is."""
    runs, levels = ["knn@mfcc", "lda@mfcc"], ["clip", "song"]
    figures = {f"{level}_accuracy{end}": 0.5 for level in levels for end in ("", "_low", "_high")}
    labels = ["a", "b", "$c$"]
    for run in runs:
        write_json(tmp_path / "models" / run / "metrics.json", figures)
        for level in levels:
            write_confusion(tmp_path / "models" / run / f"confusion_{level}.csv", MATRIX, labels)
    draw_confusions(tmp_path, runs, levels=levels, truth="genre")
    drawn = sorted(path.relative_to(tmp_path / "models").as_posix() for path in tmp_path.rglob("*.png"))
    assert drawn == [f"{run}/confusion_{level}.png" for run in runs for level in levels]
    assert all((tmp_path / "models" / name).stat().st_size > 5000 for name in drawn)
