"""Why Slurm ended a job, from what Slurm's own command says."""

import pytest

from songwise.terminal.slurm import why_it_ended

ANSWER = (
    "JobId=7 JobName=x UserId=me(1) JobState={state} Reason={reason} Dependency=(null) ExitCode={code} "
    "TimeLimit=00:15:00 NodeList=node2 MinMemoryNode=1G Comment=rule_train_model"
)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A cluster that gives one answer."""

    def answer(text: str, exit_code: int = 0):
        (tmp_path / "scontrol").write_text(f"#!/bin/sh\necho '{text}'\nexit {exit_code}\n")
        (tmp_path / "scontrol").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return answer


@pytest.mark.parametrize(
    ("state", "reason", "code", "words"),
    [
        ("TIMEOUT", "TimeLimit", "0:15", ("Slurm ended it at its time limit of 00:15:00", "runtime")),
        (
            "OUT_OF_MEMORY",
            "OutOfMemory",
            "0:125",
            ("Slurm ended it because it needed more than its 1G of memory", "mem_mb"),
        ),
        ("NODE_FAIL", "NodeDown", "0:0", ("its node node2 failed", "")),
        ("PREEMPTED", "None", "0:15", ("Slurm ended it in favour of a job with a higher priority", "")),
        ("CANCELLED", "None", "0:15", ("it was cancelled (scancel)", "")),
        ("FAILED", "RaisedSignal:9(Killed)", "0:9", ("it was killed by signal 9", "")),
        ("FAILED", "NonZeroExitCode", "1:0", ("", "")),
        ("COMPLETED", "None", "0:0", ("", "")),
    ],
)
def test_slurms_states_become_words_and_a_job_that_ended_by_itself_speaks_for_itself(slurm, state, reason, code, words):
    slurm(ANSWER.format(state=state, reason=reason, code=code))
    assert why_it_ended("7") == words


def test_without_slurm_or_its_answer_nothing_is_said(slurm, monkeypatch):
    slurm("slurm_load_jobs error: Invalid job id specified", 1)
    assert why_it_ended("7") == why_it_ended("arn:aws:7") == ("", "")
    monkeypatch.setenv("PATH", "")
    assert why_it_ended("7") == ("", "")


def test_a_lack_of_memory_that_slurm_mentions_only_in_the_log_is_found(slurm, tmp_path):
    log = tmp_path / "7.log"
    log.write_text("x\nslurmstepd-node1: error: Detected 1 oom-kill event(s) in StepId=7.0.\n")
    slurm(ANSWER.format(state="FAILED", reason="NonZeroExitCode", code="1:0") + f" StdOut={log}")
    assert why_it_ended("7") == ("Slurm ended it because it needed more than its 1G of memory", "mem_mb")
    log.write_text("x\n")
    assert why_it_ended("7") == ("", "")
