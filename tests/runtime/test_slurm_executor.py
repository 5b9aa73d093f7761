"""What songwise changes in Snakemake's executor for Slurm."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from songwise.runtime.slurm_executor import adapt_executor


@pytest.fixture
def executor(monkeypatch):
    """The executor of the package that is installed, without a run."""
    slurm = pytest.importorskip("snakemake_executor_plugin_slurm", reason="needs make slurm")

    class Executor(slurm.Executor):
        def __init__(self):
            self._next_seconds_between_status_checks = None
            self.array_jobs = set()
            self.workflow = SimpleNamespace(
                executor_settings=SimpleNamespace(pass_command_as_script=False),
                execution_settings=SimpleNamespace(keep_going=True),
            )

    monkeypatch.setattr(slurm, "Executor", Executor)
    monkeypatch.setattr(slurm, "query_job_status", slurm.query_job_status)
    adapt_executor()
    return slurm.Executor()


def test_it_never_waits_long_between_questions(executor):
    for asked, waits in ((5, 5), (180, 15)):
        executor.next_seconds_between_status_checks = asked
        assert executor.next_seconds_between_status_checks == waits


def test_a_job_starts_snakemake_once_except_in_an_array(executor):
    assert executor.additional_general_args() == "--executor local --keep-going"
    executor.array_jobs = {"train_model"}
    assert executor.additional_general_args() == "--executor slurm-jobstep --jobs 1"


def test_a_preempted_job_that_is_not_put_back_has_failed(monkeypatch):
    slurm = pytest.importorskip("snakemake_executor_plugin_slurm", reason="needs make slurm")
    now, told = [0.0], []

    async def query(command, logger):
        return told.pop(0), 0.1

    monkeypatch.setattr(slurm, "query_job_status", query)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    adapt_executor()

    def states(seconds: float, answer: dict[str, str] | None) -> dict[str, str] | None:
        now[0] = seconds
        told.append(answer)
        return asyncio.run(slurm.query_job_status("squeue", None))[0]

    assert states(0, {"1": "PREEMPTED", "2": "PREEMPTED"}) == {"1": "PREEMPTED", "2": "PREEMPTED"}
    assert states(15, {"1": "PREEMPTED", "2": "RUNNING"}) == {"1": "PREEMPTED", "2": "RUNNING"}
    assert states(20, None) is None
    assert states(31, {"1": "PREEMPTED", "2": "PREEMPTED"}) == {"1": "CANCELLED", "2": "PREEMPTED"}
