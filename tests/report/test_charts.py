"""Charts show the numbers of their tables, at places that can be read off the axes."""

import pytest

from songwise.report.charts import calibration, falls, learning_curve, song_map


def curve(*shares: float) -> list[dict]:
    return [
        {
            "n_train_songs": str(10 * 2**step),
            "song_accuracy": str(share),
            "low": str(share - 0.1),
            "high": str(share + 0.1),
        }
        for step, share in enumerate(shares)
    ]


def test_the_learning_curve_is_in_points_below_all_songs():
    plot = learning_curve(curve(0.4, 0.6, 0.7))
    dots = plot.series[0].dots
    at = {tick.text: tick.at for tick in plot.y_ticks}
    assert dots[-1].y == pytest.approx(at["0"], abs=0.01)
    assert [dot.text for dot in dots] == [
        "10 training songs: -30 points",
        "20 training songs: -10 points",
        "all 40 training songs",
    ]
    assert dots[1].y == pytest.approx(at["0"] + (at["-20"] - at["0"]) / 2, abs=0.01)
    assert dots[0].high < dots[0].y < dots[0].low  # upwards is better
    assert dots[1].x - dots[0].x == pytest.approx(dots[2].x - dots[1].x, abs=0.1)  # doubling is a step


def test_a_curve_without_fewer_songs_is_not_drawn():
    assert learning_curve(curve(0.7)) is None
    assert calibration([]) is None and song_map([]) is None and falls([]) == []


def test_flat_results_are_drawn():
    rows = [row | {"low": "0.7", "high": "0.7"} for row in curve(0.7, 0.7)]
    assert learning_curve(rows).series[0].dots[0].y == learning_curve(rows).series[0].dots[1].y
    places = [{"song": "a", "label": "x", "x": "1", "y": "2"}]
    assert song_map(places).series[0].dots[0].x == pytest.approx(280, abs=1)


def test_on_the_diagonal_confidence_and_share_correct_are_equal():
    rows = [
        {"level": "song", "votes": votes, "confidence": share, "right": share}
        for votes, share in (("1", "0.25"), ("9", "0.75"))
    ]
    plot = calibration(rows)
    low, high = plot.series[0].dots
    assert [tick.text for tick in plot.x_ticks] == ["0", "25", "50", "75", "100"]
    assert (low.x, low.y) == pytest.approx((plot.x_ticks[1].at, plot.y_ticks[1].at))
    assert high.radius > low.radius and "75 % correct, 90 % of the songs" in high.text


def test_classes_beyond_the_colours_are_one_series():
    rows = [
        {"song": f"{label}{number}", "label": f"class {label:02d}", "x": str(number), "y": str(label)}
        for label in range(15)
        for number in range(20 - label)
    ]
    series = song_map(rows).series
    assert len(series) == 12 and series[0].name == "4 other classes" and series[0].colour is None
    assert {one.colour for one in series[1:]} == set(range(11))
    assert sum(len(one.dots) for one in series) == len(rows)


def test_many_songs_are_one_path_per_class():
    rows = [{"song": str(n), "label": str(n % 2), "x": str(n % 71), "y": str(n % 53)} for n in range(5000)]
    series = song_map(rows).series
    assert [len(one.dots) for one in series] == [0, 0]
    assert sum(one.path.count("M") for one in series) == 5000 and len(series[0].path) < 40_000


def test_bars_of_falls_share_a_scale_with_zero():
    rows = [
        {"family": "a", "fall": "0.6", "low": "0.5", "high": "0.7"},
        {"family": "b", "fall": "0", "low": "-0.1", "high": "0.1"},
    ]
    large, none = falls(rows)
    assert none["at"] == none["zero"] == large["zero"] and large["from"] < large["at"] < large["to"] == 98
    assert none["from"] == 2
