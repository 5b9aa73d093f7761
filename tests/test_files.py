"""Files are complete or absent, whichever process is killed."""

import json

import pytest
from helpers.process import start

from songwise.files import remove_unfinished, replacing, write_json


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
