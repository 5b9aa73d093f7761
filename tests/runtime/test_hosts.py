"""One live run per folder on all hosts that share it, whether or not their locks reach each other.

The other hosts are processes with another host name. Their locks do nothing, because on one machine they would reach
each other.
"""

import os
import signal
import subprocess
import time

import pytest
from helpers.hosts import NO_LOCKS, start_on
from helpers.process import start

from songwise.errors import InputError
from songwise.files import remove_unfinished
from songwise.runtime import heartbeat, lock
from songwise.runtime.lock import active_run, claim

RUN = """
import sys
from pathlib import Path
from songwise.runtime import heartbeat
heartbeat.BEAT_EVERY = 0.2
from songwise.runtime.lock import claim
held = claim(Path())
print("mine", flush=True)
input()
held.close()
print("over", flush=True)
input()
"""
JOB = """
import sys, time
from songwise.runtime import heartbeat
heartbeat.PATIENCE = 3.0
from songwise.runtime.lock import end_with_run
end_with_run()
print("on", flush=True)
time.sleep(60)
"""
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(heartbeat, "PATIENCE", 2.0)
    monkeypatch.setattr(lock, "PATIENCE", 2.0)


@pytest.fixture(params=["another host", "no locks"])
def run(request, tmp_path):
    """A live run on another host, or on this one where locks do nothing."""
    other = request.param == "another host"
    process = (
        start_on("login2", NO_LOCKS + RUN, tmp_path, **PIPES) if other else start(NO_LOCKS + RUN, tmp_path, **PIPES)
    )
    assert process.stdout.readline() == b"mine\n"
    process.words = f"process {process.pid} on login2" if other else f"process {process.pid}"
    yield process
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        pipe.close()


def environment_of(folder) -> dict[str, str]:
    """What the jobs of the folder's run inherit from it."""
    record = (folder / ".snakemake/songwise.run").read_text()
    return os.environ | {"SONGWISE_RUN": str(heartbeat.LiveRun.parse(record))}


def test_a_run_is_not_joined_while_it_beats(run, tmp_path):
    with pytest.raises(InputError, match=f"another run is active in this folder .{run.words}."):
        claim(tmp_path)
    assert active_run(tmp_path) == run.words


def test_a_killed_run_is_cleared_within_the_bound(run, tmp_path):
    run.kill()
    run.wait()
    assert active_run(tmp_path) == ""
    claim(tmp_path).close()


def test_a_run_that_ended_keeps_nobody_waiting(run, tmp_path, monkeypatch):
    run.stdin.write(b"\n")
    run.stdin.flush()
    assert run.stdout.readline() == b"over\n"
    monkeypatch.setattr(lock, "is_beating", lambda *_: pytest.fail("waits for a beat"))
    assert active_run(tmp_path) == ""
    claim(tmp_path).close()


def test_a_job_on_another_host_ends_within_the_bound_when_its_run_is_killed(run, tmp_path):
    job = start_on("node1", JOB, tmp_path, env=environment_of(tmp_path), stdout=subprocess.PIPE)
    assert job.stdout.readline() == b"on\n"
    time.sleep(4)  # longer than the job's patience
    assert job.poll() is None
    run.kill()
    assert job.wait(timeout=6) == 1


def test_a_job_on_another_host_ends_at_once_when_the_next_run_begins(run, tmp_path):
    environment = environment_of(tmp_path)
    job = start_on("node1", JOB.replace("3.0", "60.0"), tmp_path, env=environment, stdout=subprocess.PIPE)
    assert job.stdout.readline() == b"on\n"
    run.kill()
    run.wait()
    with claim(tmp_path):
        assert job.wait(timeout=3) == 1
        late = start_on("node1", JOB, tmp_path, env=environment, stdout=subprocess.PIPE)
        assert late.communicate(timeout=10)[0] == b"" and late.returncode == 1


def test_a_run_that_was_suspended_stops_when_another_has_taken_over(run, tmp_path):
    run.send_signal(signal.SIGSTOP)
    with claim(tmp_path):
        run.send_signal(signal.SIGCONT)
        assert run.wait(timeout=10) == 1


def test_what_the_jobs_of_a_killed_run_left_on_other_hosts_is_removed_and_nothing_else(tmp_path):
    code = """
    import os
    from pathlib import Path
    from songwise.files import replacing

    with replacing(Path(os.environ["NAME"])) as file:
        file.write_text("half")
        os.kill(os.getpid(), 9)
    """
    with claim(tmp_path):
        mine = os.environ["SONGWISE_RUN"]
    runs = {"earlier.csv": mine.replace(mine.split()[2], "0f0f0f0f"), "mine.csv": mine, "command.csv": ""}
    for name, value in runs.items():
        environment = os.environ | {"SONGWISE_RUN": value, "NAME": name}
        start_on("node1", code, tmp_path, env=environment).wait()
    remove_unfinished(tmp_path)
    left = sorted(path.name.split(".")[1] for path in tmp_path.glob(".*.unfinished.csv"))
    assert left == ["command", "mine"]
