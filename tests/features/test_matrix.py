"""The tables of all shards, of one preset or of several, are one matrix."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from songwise.errors import InputError
from songwise.features.matrix import read_features, tables_of


@pytest.fixture
def write(tmp_path):
    """Writes the table of a preset and shard, where songwise would have it, and returns its path."""

    def write_table(preset: str, shard: int, clips: dict[str, list[float]], columns=("x", "y")) -> Path:
        path = tmp_path / preset / "key" / f"{shard}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pd.DataFrame.from_dict(clips, orient="index", columns=list(columns), dtype=np.float32)
        table.rename_axis("clip_id").reset_index().to_parquet(path, index=False)
        return path

    return write_table


def test_shards_of_one_preset_are_sorted_by_clip_and_keep_their_columns(write):
    paths = [write("one", 0, {"c@0": [1, 2], "a@0": [3, 4]}), write("one", 1, {"b@0": [5, 6]})]
    table = read_features(paths)
    assert list(table.index) == ["a@0", "b@0", "c@0"] and list(table.columns) == ["x", "y"]
    assert table.to_numpy().tolist() == [[3, 4], [5, 6], [1, 2]]


def test_tables_of_several_presets_are_joined_by_clip_not_by_row(write):
    paths = [
        write("one", 0, {"b@0": [1, 2]}),
        write("one", 1, {"a@0": [3, 4]}),
        write("two", 0, {"a@0": [7], "b@0": [5]}, columns=["x"]),
    ]
    table = read_features(paths)
    assert list(table.columns) == ["one.x", "one.y", "two.x"] and list(table.index) == ["a@0", "b@0"]
    assert table.to_numpy().tolist() == [[3, 4, 7], [1, 2, 5]]


def test_the_order_of_presets_is_that_of_their_first_tables(write):
    one, two = write("one", 0, {"a@0": [1, 2]}), write("two", 0, {"a@0": [3, 4]})
    more = [write("two", 1, {"b@0": [5, 6]}), write("one", 1, {"b@0": [7, 8]})]
    table = read_features([two, one, *more])
    assert list(table.columns) == ["two.x", "two.y", "one.x", "one.y"]
    assert table.loc["b@0"].tolist() == [5, 6, 7, 8]


def test_doubles_of_a_table_from_elsewhere_stay_doubles(write):
    path = write("one", 0, {"b@0": [1, 2]})
    pd.DataFrame({"clip_id": ["a@0"], "x": [1 / 3], "y": [0.1]}).to_parquet(path, index=False)
    table = read_features([path])
    assert table.loc["a@0"].tolist() == [1 / 3, 0.1]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_named_with_file_clip_and_column(write, value):
    paths = [write("one", 0, {"a@0": [1, 2]}), write("two", 0, {"a@0": [3, value]})]
    with pytest.raises(InputError, match=rf"two/key/0\.parquet: clip 'a@0' has {value} in column 'y', one of 1 values"):
        read_features(paths)


def test_presets_with_other_clips_are_refused(write):
    """Joining them would leave holes, and a model would learn from clips that it has half of."""
    paths = [write("one", 0, {"a@0": [1, 2], "b@0": [1, 2]}), write("two", 0, {"a@0": [3, 4]})]
    for order in (paths, paths[::-1]):
        with pytest.raises(InputError, match=r"clip 'b@0' .*(one.* two|two.* one)"):
            read_features(order)


def test_tables_of_presets_are_in_the_order_of_the_presets(write):
    tables = {name: [Path(f"data/features/d/{name}/k/{shard}.parquet") for shard in (0, 1)] for name in ("a", "b", "c")}
    paths = [tables["a"][0], tables["b"][0], tables["c"][0], tables["a"][1], tables["b"][1], tables["c"][1]]
    assert tables_of(paths, ["c", "a"]) == tables["c"] + tables["a"]
    assert tables_of(paths, ["b"]) == tables["b"]
    assert tables_of(paths, []) == []
