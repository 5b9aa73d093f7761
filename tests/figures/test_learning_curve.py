"""The learning curve has one dot per step, and the last one is all songs."""

from songwise.figures.learning_curve import draw_learning_curve, learning_curve_figure
from songwise.files import write_json, write_rows

CURVE = [
    {"songs_per_class": "2", "n_train_songs": "6.0", "song_accuracy": "0.5", "low": "0.4", "high": "0.6"},
    {"songs_per_class": "9", "n_train_songs": "48.8", "song_accuracy": "0.75", "low": "0.6", "high": "0.8"},
]


def test_the_curve_has_a_dot_per_step_and_ends_with_all_songs():
    (axes,) = learning_curve_figure(CURVE, title="knn").axes
    assert axes.lines[0].get_xydata().tolist() == [[6.0, 0.5], [48.8, 0.75]]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["6\n≤ 2", "49\nall"]
    assert axes.get_ylim() == (0, 1)


def test_a_curve_of_one_step_can_be_drawn(tmp_path):
    write_rows(tmp_path / "learning_curve.csv", CURVE[0], CURVE[:1])
    write_json(tmp_path / "study.json", {"run": "knn@$mfcc"})
    draw_learning_curve(tmp_path / "learning_curve.csv", tmp_path / "study.json", tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 5000
