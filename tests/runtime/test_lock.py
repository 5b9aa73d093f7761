"""One live run per folder, and jobs that end with their run."""

import signal
import subprocess
import time

import pytest
from helpers.process import start

from songwise.errors import InputError
from songwise.runtime.lock import claim


def test_a_live_run_is_not_joined_and_a_killed_one_is_cleared(tmp_path):
    (tmp_path / ".snakemake" / "locks").mkdir(parents=True)
    holder = start(
        """
        from pathlib import Path
        from songwise.runtime.lock import claim

        lock = claim(Path())
        print("mine", flush=True)
        input()
        """,
        tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline() == b"mine\n"
    (tmp_path / ".snakemake" / "locks" / "0.output.lock").touch()
    with pytest.raises(InputError, match=f"another run is active in this folder .process {holder.pid}."):
        claim(tmp_path)
    assert (tmp_path / ".snakemake" / "locks").exists()
    holder.kill()
    holder.wait()
    claim(tmp_path).close()
    assert not (tmp_path / ".snakemake" / "locks").exists()


def test_a_job_ends_when_its_run_is_gone(tmp_path):
    lock = claim(tmp_path)
    job = start(
        "from songwise.runtime.lock import end_with_run; import time; end_with_run(); "
        "print('on', flush=True); time.sleep(60)",
        tmp_path,
        stdout=subprocess.PIPE,
    )
    assert job.stdout.readline() == b"on\n"
    time.sleep(1)
    assert job.poll() is None
    lock.close()
    assert job.wait(timeout=10) == 1


def test_a_job_that_starts_when_its_run_is_gone_ends(tmp_path):
    claim(tmp_path).close()  # the environment still names this process as the run
    job = start("from songwise.runtime.lock import end_with_run; import time; end_with_run(); time.sleep(60)", tmp_path)
    assert job.wait(timeout=10) == 1


def test_ctrl_c_before_the_first_job_ends_in_a_message(tmp_path):
    code = "from pathlib import Path; from songwise.runtime.lock import end_in_words; import time; end_in_words(Path())"
    run = start(f"{code}; print('on', flush=True); time.sleep(60)", tmp_path, stdout=-1, stderr=-1)
    assert run.stdout.readline() == b"on\n"
    run.send_signal(signal.SIGINT)
    assert run.communicate()[1] == b"songwise: stopped. The same command continues from here\n" and run.returncode != 0
