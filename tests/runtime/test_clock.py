"""Files that a fast clock left in the future become files of the past, in the same order."""

import os
import time

from songwise.runtime.clock import end_future, is_future


def times(folder) -> dict[str, float]:
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime for path in folder.rglob("*") if path.is_file()}


def test_files_of_the_future_keep_their_order(tmp_path):
    now = time.time()
    hours = {"old": -30, "new": 5, "results/newer": 6, "results/newest": 7, "results/audio/song": 8}
    for name, ahead in hours.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (now + 3600 * ahead,) * 2)
    before = times(tmp_path)
    end_future(
        [tmp_path / "results", tmp_path / "old", tmp_path / "new", tmp_path / "none"], now, tmp_path / "results/audio"
    )
    after = times(tmp_path)
    assert before["old"] == after["old"]
    assert before["results/audio/song"] == after["results/audio/song"]
    assert now - 7200.1 < after["new"] < after["results/newer"] < after["results/newest"] <= now
    end_future([tmp_path], now, tmp_path / "results/audio")
    assert times(tmp_path) == after


def test_a_folder_of_the_future_and_a_broken_link_are_moved_too(tmp_path):
    now = time.time()
    (tmp_path / "data/table").mkdir(parents=True)
    (tmp_path / "data/link").symlink_to("nowhere")
    for path in (tmp_path / "data").iterdir():
        os.utime(path, (now + 60,) * 2, follow_symlinks=False)
    end_future([tmp_path / "data"], now)
    assert max(path.lstat().st_mtime for path in (tmp_path / "data").iterdir()) <= now


def test_files_are_of_the_future_until_their_time_has_come(tmp_path):
    path = tmp_path / "file"
    path.touch()
    os.utime(path, (1000, 1000))
    assert is_future([tmp_path / "none", path], 999)
    assert not is_future([tmp_path / "none", path], 1000)
