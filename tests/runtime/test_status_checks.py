"""A run asks Slurm often enough to notice soon that a job has ended."""

import pytest

from songwise.runtime.status_checks import check_often


def test_the_executor_never_waits_long_between_questions(monkeypatch):
    slurm = pytest.importorskip("snakemake_executor_plugin_slurm", reason="needs make slurm")

    class Executor(slurm.Executor):
        def __init__(self):
            self._next_seconds_between_status_checks = None

    monkeypatch.setattr(slurm, "Executor", Executor)
    check_often()
    executor = slurm.Executor()
    for asked, waits in ((5, 5), (180, 15)):
        executor.next_seconds_between_status_checks = asked
        assert executor.next_seconds_between_status_checks == waits
