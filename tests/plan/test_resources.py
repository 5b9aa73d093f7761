"""What jobs ask a cluster for grows with the data and is doubled with each attempt."""

import pytest

from songwise.errors import InputError
from songwise.plan.resources import check_names, shard_memory, shard_minutes, table_memory, table_minutes


def test_a_shard_needs_memory_for_one_track_and_time_for_all():
    assert shard_memory(7200, 1) > shard_memory(600, 1) > 1000
    assert shard_minutes(400, 1) > shard_minutes(20, 1)
    assert (shard_memory(600, 3), shard_minutes(20, 3)) == (4 * shard_memory(600, 1), 4 * shard_minutes(20, 1))


def test_a_model_needs_more_for_larger_tables_and_tables_to_come_count_nothing(tmp_path):
    (tmp_path / "a.parquet").write_bytes(bytes(50_000_000))
    tables = [tmp_path / "a.parquet", tmp_path / "to_come.parquet"]
    assert table_memory(tables, 1) == table_memory([], 1) + 500
    assert table_minutes(tables, 1) > table_minutes([], 1)
    assert table_memory(tables, 2) == 2 * table_memory(tables, 1)


def test_a_fit_has_a_limit_so_a_table_ten_times_as_large_needs_less_than_ten_times_as_much(tmp_path):
    for name, size in (("one", 1_000_000_000), ("ten", 10_000_000_000)):
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(size)
    assert table_memory([tmp_path / "one"], 1) == 1000 + 2000 + 8000
    assert table_memory([tmp_path / "ten"], 1) == 1000 + 20_000 + 8000


def test_a_name_that_python_has_too_is_refused():
    check_names({"slurm_partition": "batch", "slurm_account": "'all'", "runtime": "max(1, 2)", "mem_mb": 5})
    with pytest.raises(InputError, match=r"slurm_partition=any: .*slurm_partition=.'any'"):
        check_names({"slurm_partition": "any"})
