"""Presets that miss the tables of the same shards share their jobs."""

import os

import pytest

from songwise.plan.passes import passes, shards_missing


@pytest.mark.parametrize(
    ("missing", "rules"),
    [
        ({"a": (0, 1), "b": (0, 1)}, {"extract_features": ["a", "b"]}),
        ({"a": (), "b": ()}, {"extract_features": ["a", "b"]}),
        ({"a": (), "b": (0, 1)}, {"extract_features": ["b"], "extract_features_2": ["a"]}),
        (
            {"a": (1,), "b": (), "c": (0, 1), "d": (1,)},
            {"extract_features": ["c"], "extract_features_2": ["a", "d"], "extract_features_3": ["b"]},
        ),
        ({}, {}),
    ],
    ids=["first run", "nothing to do", "a preset joins", "a shard changed", "no presets"],
)
def test_the_pass_with_most_to_do_comes_first(missing, rules):
    assert passes("extract_features", missing) == rules
    assert list(passes("extract_features", missing)) == list(rules)


def test_a_table_is_missing_until_it_is_newer_than_its_clips(tmp_path):
    clips = {shard: tmp_path / f"{shard}.clips.csv" for shard in range(4)}
    tables = {shard: tmp_path / f"{shard}.parquet" for shard in range(4)}
    for shard, (clips_at, table_at) in enumerate([(1, 2), (2, 1), (1, 1), (1, None)]):
        clips[shard].touch()
        os.utime(clips[shard], (clips_at, clips_at))
        if table_at:
            tables[shard].touch()
            os.utime(tables[shard], (table_at, table_at))
    assert shards_missing(tables, clips) == (1, 2, 3)
    assert shards_missing({9: tmp_path / "9.parquet"}, {9: tmp_path / "9.clips.csv"}) == (9,)  # a first run
