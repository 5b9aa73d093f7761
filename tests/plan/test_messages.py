"""The last lines of a run that failed name each reason once."""

import os

from songwise.plan.messages import FailedJob, read_logs, summarise_failure


def test_lines_for_the_user_are_read_from_the_logs_of_this_run(tmp_path):
    for name, text, at in (
        ("a", "x\nsongwise: wrong\n", 20),
        ("deep/b", "songwise: also\n", 20),
        ("c", "songwise: old\n", 5),
    ):
        path = tmp_path / f"{name}.log"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        os.utime(path, (at, at))
    assert read_logs(tmp_path, since=10) == {
        str(tmp_path / "a.log"): ["songwise: wrong"],
        str(tmp_path / "deep/b.log"): ["songwise: also"],
    }


def test_each_reason_is_named_once_and_a_silent_job_by_its_name():
    lines = {"a.log": ["songwise: wrong"], "b.log": ["songwise: wrong"], "c.log": []}
    failed = [FailedJob("train a", ["a.log"]), FailedJob("train c", ["c.log"])]
    first, second = summarise_failure(lines, failed, is_disk_full=False).splitlines()
    assert first == "songwise: wrong"
    assert second.startswith("songwise: train c: exited without an error message and was probably killed")
    assert summarise_failure(lines, failed, is_disk_full=True) == "songwise: wrong"


def test_a_stopped_run_says_that_the_same_command_continues():
    assert summarise_failure({}, [], is_disk_full=False) == (
        "songwise: stopped before the end. The same command continues from here"
    )


def test_what_a_cluster_did_to_a_job_is_said_with_what_to_do():
    ended = FailedJob("train_model demo knn", ["a.log"], "Slurm ended it at its time limit of 00:15:00", "runtime")
    assert summarise_failure({"a.log": []}, [ended], is_disk_full=False) == (
        "songwise: train_model demo knn: Slurm ended it at its time limit of 00:15:00. "
        "The same command continues from here; --set-resources train_model:runtime=N gives it more"
    )
