"""The map of songs has one point per song, whose colour and marker are its label's."""

import numpy as np
import pytest

from songwise.figures.song_map import draw_map, looks_of, map_figure
from songwise.files import write_json, write_rows


def songs(labels: list[str]) -> list[dict]:
    places = np.random.default_rng(0).normal(size=(2 * len(labels), 2))
    return [
        {"label": label, "x": f"{x:.3f}", "y": f"{y:.3f}"} for label, (x, y) in zip(labels * 2, places, strict=True)
    ]


@pytest.mark.parametrize("labels", [["$5 bill$", "x"], [f"genre/{index}" for index in range(60)]])
def test_a_map_of_any_labels_can_be_drawn(tmp_path, labels):
    write_rows(tmp_path / "song_clusters.csv", ("label", "x", "y"), songs(labels))
    write_json(tmp_path / "clusters.json", {"features": "mfcc"})
    draw_map(tmp_path / "song_clusters.csv", tmp_path / "clusters.json", tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 5000
    assert len(set(looks_of(sorted(labels)).values())) == len(labels)


def test_every_song_is_a_point_of_its_label():
    rows = songs(["a", "b", "c"])
    (axes,) = map_figure(rows, title="6 songs").axes
    drawn = {points.get_label(): points.get_offsets().tolist() for points in axes.collections}
    expected = {label: [[float(row["x"]), float(row["y"])] for row in rows if row["label"] == label] for label in "abc"}
    assert drawn == expected


def test_labels_of_one_family_are_shades_of_one_colour():
    looks = looks_of(["jazz", "rock/metal", "rock/punk"])
    (jazz, _), (metal, _), (punk, _) = looks.values()
    assert jazz != metal and punk != metal
    lighter = [(1 - light) / (1 - dark) for light, dark in zip(punk, metal, strict=True) if dark < 1]
    assert lighter == pytest.approx([0.45] * len(lighter))
