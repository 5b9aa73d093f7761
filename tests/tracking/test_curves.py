"""The curves of a network's fits as one curve per protocol and loss."""

import pytest

from songwise.files import write_rows
from songwise.tracking.curves import curve_files, mean_curves

COLUMNS = ("repeat", "fold", "epoch", "training_loss", "held_out_loss", "held_out_accuracy")


def write(path, rows):
    write_rows(path, COLUMNS, [dict(zip(COLUMNS, row, strict=True)) for row in rows])


def test_curves_are_the_mean_over_the_fits_that_reached_an_epoch(tmp_path):
    write(tmp_path / "by-song/curves.csv", [(0, 0, 1, 2.0, 1.0, 0.5), (0, 0, 2, 1.0, 0.5, 0.7), (0, 1, 1, 4, 2.0, 0.3)])
    write(tmp_path / "random-clips/curves.csv", [(0, 0, 1, 3.0, None, None)])
    found = {(point.name, point.epoch): point.value for point in mean_curves(curve_files(tmp_path))}
    assert found == pytest.approx(
        {
            ("by-song_training_loss", 1): 3.0,
            ("by-song_training_loss", 2): 1.0,
            ("by-song_held_out_loss", 1): 1.5,
            ("by-song_held_out_loss", 2): 0.5,
            ("by-song_held_out_accuracy", 1): 0.4,
            ("by-song_held_out_accuracy", 2): 0.7,
            ("random-clips_training_loss", 1): 3.0,
        }
    )


def test_other_models_have_no_curves(tmp_path):
    assert mean_curves(curve_files(tmp_path)) == []
