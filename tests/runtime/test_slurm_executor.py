"""What songwise changes in Snakemake's executor for Slurm."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from songwise.runtime.slurm_executor import adapt_executor


@pytest.fixture
def executor(monkeypatch, request):
    """The executor of the package that is installed, without a run. A parameter is a word of the command line."""
    slurm = pytest.importorskip("snakemake_executor_plugin_slurm", reason="needs make slurm")

    class Executor(slurm.Executor):
        def __init__(self):
            self._next_seconds_between_status_checks = None
            self.array_jobs = set()
            self.workflow = SimpleNamespace(
                executor_settings=SimpleNamespace(pass_command_as_script=False),
                execution_settings=SimpleNamespace(keep_going=True),
                resource_settings=SimpleNamespace(cores=8),
                global_resources={"_cores": 8},
            )

        def __post_init__(self):
            self.prepared = True

    monkeypatch.setattr(slurm, "Executor", Executor)
    monkeypatch.setattr(slurm, "query_job_status", slurm.query_job_status)
    adapt_executor(["snakemake", getattr(request, "param", "--jobs=8")])
    return slurm.Executor()


def test_it_never_waits_long_between_questions(executor):
    for asked, waits in ((5, 5), (180, 15)):
        executor.next_seconds_between_status_checks = asked
        assert executor.next_seconds_between_status_checks == waits


def test_a_job_starts_snakemake_once_except_in_an_array(executor):
    assert executor.additional_general_args() == "--executor local --keep-going"
    executor.array_jobs = {"train_model"}
    assert executor.additional_general_args() == "--executor slurm-jobstep --jobs 1"


@pytest.mark.parametrize(
    ("executor", "cores"),
    [("--jobs=8", 1), ("--cores", 8), ("--cores=8", 8), ("-c8", 8), ("--config", 1)],
    indirect=["executor"],
)
def test_a_job_has_one_core_unless_the_command_says_more(executor, cores):
    executor.__post_init__()
    assert executor.prepared
    assert executor.workflow.resource_settings.cores == executor.workflow.global_resources["_cores"] == cores


def test_a_preempted_job_that_is_not_put_back_has_failed(monkeypatch):
    slurm = pytest.importorskip("snakemake_executor_plugin_slurm", reason="needs make slurm")
    now, told = [0.0], []

    async def query(command, logger):
        return told.pop(0), 0.1

    monkeypatch.setattr(slurm, "query_job_status", query)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    adapt_executor(["snakemake"])

    def states(seconds: float, answer: dict[str, str] | None) -> dict[str, str] | None:
        now[0] = seconds
        told.append(answer)
        return asyncio.run(slurm.query_job_status("squeue", None))[0]

    assert states(0, {"1": "PREEMPTED", "2": "PREEMPTED"}) == {"1": "PREEMPTED", "2": "PREEMPTED"}
    assert states(15, {"1": "PREEMPTED", "2": "RUNNING"}) == {"1": "PREEMPTED", "2": "RUNNING"}
    assert states(20, None) is None
    assert states(31, {"1": "PREEMPTED", "2": "PREEMPTED"}) == {"1": "CANCELLED", "2": "PREEMPTED"}
