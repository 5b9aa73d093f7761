"""The reliability diagram has one dot per bin, where its predictions are."""

from songwise.evaluation.columns import CALIBRATION_COLUMNS
from songwise.figures.calibration import calibration_figure, draw_calibration
from songwise.files import write_json, write_rows

BINS = [
    {"model": "knn", "features": "$mfcc", "level": "clip", "bin": 5, "votes": 30, "confidence": 0.3, "right": 0.2},
    {"model": "knn", "features": "$mfcc", "level": "clip", "bin": 15, "votes": 10, "confidence": 0.99, "right": 0.9},
    {"model": "knn", "features": "$mfcc", "level": "song", "bin": 12, "votes": 8, "confidence": 0.8, "right": 1},
]
METRICS = {"clip_ece": 0.0975, "song_ece": 0.2}


def test_dots_are_at_confidence_and_share_right():
    (axes,) = calibration_figure(BINS, METRICS, title="knn").axes
    clips, songs = axes.collections
    assert clips.get_offsets().tolist() == [[0.3, 0.2], [0.99, 0.9]] and songs.get_offsets().tolist() == [[0.8, 1.0]]
    assert clips.get_sizes().tolist() == [8 + 600 * 0.75, 8 + 600 * 0.25]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["clips, calibration error 0.10", "songs, calibration error 0.20"]


def test_the_diagram_is_drawn_from_the_tables_alone(tmp_path):
    write_rows(tmp_path / "calibration.csv", CALIBRATION_COLUMNS, BINS)
    write_json(tmp_path / "models/knn@$mfcc/metrics.json", METRICS)
    draw_calibration(tmp_path, tmp_path / "calibration.png")
    assert (tmp_path / "calibration.png").stat().st_size > 5000
