"""Presets pair with their standardised twins, and models on both are compared on the same songs."""

import pytest
import yaml
from helpers.project import ROOT

from songwise.features.preset_files import load_preset
from songwise.features.presets import standardised_pairs
from songwise.files import read_rows, write_rows
from songwise.splits.census import DUPLICATE_COLUMNS
from songwise.studies.standardised import compare_standardised


def preset(name: str, **changes) -> dict:
    members = {"mfcc": {"n": 13, "statistics": ["mean"]}}
    return {"name": name, "families": members} | changes


def test_presets_pair_if_only_standardise_differs(tmp_path):
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/schemas").symlink_to(ROOT / "workflow/schemas")
    (tmp_path / "config/features").mkdir(parents=True)
    contents = [
        preset("raw", title="As it is"),
        preset("same", audio={"standardise": True}),
        preset("level", audio={"standardise": {"low_pass": None}}),
        preset("rate", audio={"sample_rate": 16_000, "standardise": True}),
        preset("frame", audio={"standardise": True}, frame={"n_fft": 1024}),
        {"name": "union", "audio": {"standardise": True}, "union": ["raw"]},
    ]
    for content in contents:
        (tmp_path / f"config/features/{content['name']}.yaml").write_text(yaml.safe_dump(content))
    presets = {content["name"]: load_preset(content["name"], tmp_path) for content in contents}
    assert standardised_pairs(presets) == [("raw", "same"), ("raw", "level"), ("raw", "union")]


@pytest.mark.parametrize("name", ["mfcccov", "all"])
def test_the_standardised_presets_differ_from_the_raw_ones_only_in_that(name):
    names = (name, f"{name}_standardised")
    assert standardised_pairs({each: load_preset(each, ROOT) for each in names}) == [names]


def test_raw_and_standardised_are_side_by_side(tmp_path):
    songs = [f"{label}-{number}" for label in "ab" for number in range(4)]
    tracks = [{"track_id": song, "song": song, "label": song[0], "status": "ok"} for song in songs]
    write_rows(tmp_path / "tracks.csv", tracks[0], tracks)
    splits = [{"protocol": "by-song", "track_id": song, "group": song} for song in songs]
    write_rows(tmp_path / "splits.csv", splits[0], splits)
    write_rows(tmp_path / "duplicates.csv", DUPLICATE_COLUMNS, [])
    right = {"knn@raw": 6, "knn@level": 3}
    for run, count in right.items():
        verdicts = [
            {"repeat": 0, "song": song, "label": song[0], "predicted": song[0] if index < count else "neither"}
            for index, song in enumerate(songs)
        ]
        write_rows(tmp_path / "models" / run / "by-song/songs.csv", verdicts[0], verdicts)
    output = tmp_path / "standardised.csv"
    tables = {f"{name}_csv": tmp_path / f"{name}.csv" for name in ("tracks", "duplicates", "splits")}
    options = tables | {"protocol": "by-song", "seed": 0, "results": tmp_path, "output": output}
    compare_standardised([tuple(right)], **options)
    (row,) = read_rows(output)
    assert [row[name] for name in ("model", "features", "standardised_features")] == ["knn", "raw", "level"]
    assert [float(row[name]) for name in ("raw", "standardised", "difference")] == [0.75, 0.375, -0.375]
    assert -0.75 <= float(row["low"]) < -0.375 < float(row["high"]) <= 0
    assert row["baseline"] == row["gain"] == row["standardised_gain"] == ""  # it is the baseline itself
    for run, count in {"lda@raw": 8, "lda@level": 6}.items():
        verdicts = [
            {"repeat": 0, "song": song, "label": song[0], "predicted": song[0] if index < count else "neither"}
            for index, song in enumerate(songs)
        ]
        write_rows(tmp_path / "models" / run / "by-song/songs.csv", verdicts[0], verdicts)
    compare_standardised([tuple(right), ("lda@raw", "lda@level")], **options)
    better, baseline = read_rows(output)
    assert (better["model"], better["baseline"], baseline["baseline"]) == ("lda", "knn@raw", "")
    assert [float(better[name]) for name in ("gain", "standardised_gain")] == [0.25, 0.375]
    assert float(better["gain_low"]) <= 0.25 <= float(better["gain_high"])
    compare_standardised([], **options)
    assert read_rows(output) == []
