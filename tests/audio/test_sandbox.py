"""A child process has limits that hold, and nothing is left of it when it ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from helpers.project import ROOT

from songwise.audio import sandbox

LIMITS = sandbox.Limits(seconds=1)


def shell(script: str, limits: sandbox.Limits = LIMITS, given: bytes = b"") -> sandbox.Ended:
    return sandbox.run(["/bin/sh", "-c", script], limits=limits, given=given)


def is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(happened, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not happened() and time.monotonic() < end:
        time.sleep(0.02)
    return happened()


def test_a_child_receives_its_input_and_returns_its_output_messages_and_code():
    given = bytes(range(256)) * 4000
    ended = shell("cat; echo message >&2; exit 7", sandbox.Limits(seconds=5, output=2 << 20), given)
    assert (ended.output, ended.messages, ended.code, ended.passed) == (given, b"message\n", 7, "")
    assert shell("head -c 3", given=given).output == given[:3]  # not reading all of it is not an error
    awkward = ["a b", "$(echo no)", "'", '"', "-n", "*"]
    assert sandbox.run(["/usr/bin/printf", "%s,", *awkward], limits=LIMITS).output == ",".join([*awkward, ""]).encode()


@pytest.mark.parametrize(
    ("script", "limits", "passed"),
    [
        ("while :; do :; done", LIMITS, "seconds"),
        ("sleep 60", sandbox.Limits(seconds=0.2), "seconds"),
        ("exec 1>&- 2>&-; sleep 60", sandbox.Limits(seconds=0.2), "seconds"),
        ("yes", LIMITS, "output"),
        ("yes >&2", LIMITS, "messages"),
    ],
)
def test_a_child_is_killed_at_the_limit_that_it_exceeds(script, limits, passed):
    start = time.monotonic()
    ended = shell(script, limits)
    assert ended.passed == passed and ended.code == -signal.SIGKILL
    assert time.monotonic() - start < limits.wall_seconds + 2
    assert len(ended.output) <= limits.output + (1 << 16) and len(ended.messages) <= limits.messages + (1 << 16)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address space")
def test_a_child_gets_no_more_memory_than_its_limit():
    def taking(megabytes: int) -> sandbox.Ended:
        command = [sys.executable, "-c", f"print(len(bytearray({megabytes} << 20)))"]
        return sandbox.run(command, limits=sandbox.Limits(seconds=5, memory=300 << 20))

    assert taking(50).code == 0
    assert taking(400).code == 1 and b"MemoryError" in taking(400).messages


def test_nothing_is_left_of_a_child_that_was_killed(tmp_path):
    number = tmp_path / "number"
    before = (set(Path("/dev/fd").iterdir()), threading.active_count())
    children = set(psutil.Process().children())
    for script in (f"sleep 60 & echo $! > {number}; wait", f"sleep 60 & echo $! > {number}; yes"):
        shell(script, sandbox.Limits(seconds=0.3))
        assert wait_for(lambda: not is_alive(int(number.read_text())))
    assert (set(Path("/dev/fd").iterdir()), threading.active_count()) == before
    assert set(psutil.Process().children()) == children  # no zombie either


def test_a_child_killed_by_someone_else_is_run_once_more(tmp_path):
    ended = shell(f"echo x >> {tmp_path}/runs; kill -9 $$")
    assert ended.was_killed and (tmp_path / "runs").read_text() == "x\nx\n"
    assert shell(f"[ -e {tmp_path}/once ] && echo done && exit; touch {tmp_path}/once; kill -9 $$").output == b"done\n"


@pytest.mark.parametrize("work", ["while :; do echo x; sleep 0.05; done", "while :; do :; done"])
def test_a_child_does_not_outlive_a_killed_parent(tmp_path, work):
    number = tmp_path / "number"
    script = f"echo $$ > {number}; {work}"
    program = (
        f"from songwise.audio import sandbox; sandbox.run(['/bin/sh', '-c', {script!r}], limits=sandbox.Limits(1))"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(ROOT / "src")})
    assert wait_for(lambda: number.exists() and number.read_text().strip())
    parent.kill()
    parent.wait()
    assert wait_for(lambda: not is_alive(int(number.read_text())), 20)
