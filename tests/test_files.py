"""Files are complete or absent, whichever process is killed."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.process import start

from songwise.files import (
    DamagedFileError,
    check_whole,
    read_json,
    read_rows,
    remove_unfinished,
    replacing,
    write_json,
    write_rows,
)


def test_half_written_files_of_a_killed_process_are_removed_and_nothing_else(tmp_path):
    code = """
    import os
    from pathlib import Path
    from songwise.files import replacing

    with replacing(Path("a/x.csv")) as file, replacing(Path("a/clips")) as folder:
        file.write_text("half")
        folder.mkdir()
        (folder / "1.wav").touch()
        os.kill(os.getpid(), 9)
    """
    start(code, tmp_path).wait()
    kept = [tmp_path / "a" / name for name in ("y.csv", ".y.ogg.part", ".12.csv")]
    for path in kept:
        path.touch()
    with replacing(tmp_path / "a/mine.csv") as mine:
        mine.touch()
        assert len(list((tmp_path / "a").iterdir())) == 3 + 3
        remove_unfinished(tmp_path)
        assert sorted((tmp_path / "a").iterdir()) == sorted([*kept, mine])


def test_a_file_is_complete_or_absent(tmp_path):
    write_json(tmp_path / "x.json", {"a": 1})
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "x.json") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_truncated_file_is_refused_with_its_name_and_a_remedy(tmp_path):
    write_rows(tmp_path / "x.csv", ["a"], [{"a": 1}, {"a": 2}])
    write_json(tmp_path / "x.json", {"a": 1})
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "x.parquet")
    (tmp_path / "y.txt").write_text("no end is known of this kind")
    for path in tmp_path.iterdir():
        check_whole(path)
    for path in tmp_path.glob("x.*"):
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(DamagedFileError, match=rf"{path.name} is damaged .*\. Delete it and run snakemake again"):
            check_whole(path)
    with pytest.raises(DamagedFileError, match="its end is missing"):
        read_rows(tmp_path / "x.csv")
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(DamagedFileError, match=r"x\.json is damaged"):
        read_json(tmp_path / "x.json")
