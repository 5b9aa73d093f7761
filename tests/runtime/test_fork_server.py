"""Jobs that are forked from one process behave like processes of their own."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from songwise.runtime.forked_scripts import ForkServer, fork_scripts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="libraries do not survive a fork on this system")

IMPORTED = "import sys; sys.exit(40 + ('sklearn.pipeline' in sys.modules))"


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    server = ForkServer()
    yield server
    server.close()


def run(server: ForkServer, code: str, tmpdir: str | None = None) -> int:
    Path("script.py").write_text(code)
    with server.start("script.py", tmpdir) as job:
        return job.wait()


def wait_until(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def has_imported(server: ForkServer) -> bool:
    return run(server, IMPORTED) == 41


def test_the_first_job_starts_before_the_libraries_are_imported_and_later_ones_have_them(server):
    assert run(server, IMPORTED) == 40
    wait_until(lambda: has_imported(server))
    threads = [(task / "comm").read_text().strip() for task in Path(f"/proc/{server.process.pid}/task").iterdir()]
    # Threads do not survive a fork. The memory allocator of pyarrow starts its own again.
    assert [name for name in threads if name != "jemalloc_bg_thd"] == ["python"]


def test_a_job_ends_with_its_own_status_and_leaves_nothing_to_the_next(server):
    assert run(server, "raise SystemExit(3)") == 3
    assert run(server, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)") == -9
    assert run(server, "import sys; sys.path.clear(); sys.modules.clear()") in (0, 1)
    assert run(server, "raise ValueError('in the script')") == 1
    assert run(server, "open('done', 'w').write(__name__ + __file__ + open('/proc/self/comm').read())") == 0
    assert Path("done").read_text() == "__main__script.pyscript\n"


def test_a_job_has_one_thread_and_the_folder_for_temporary_files_of_its_rule(server, tmp_path):
    code = "import os, tempfile; open('seen', 'w').write(os.environ['OMP_NUM_THREADS'] + tempfile.gettempdir())"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert run(server, code, str(tmp_path / name)) == 0
        assert Path("seen").read_text() == f"1{tmp_path / name}"


def test_jobs_run_at_the_same_time(server):
    Path("script.py").write_text(
        "import os, time; open(f'{os.getpid()}', 'w')\nwhile not os.path.exists('go'): time.sleep(0.01)"
    )
    with server.start("script.py") as first, server.start("script.py") as second:
        wait_until(lambda: Path(str(first.pid)).exists() and Path(str(second.pid)).exists())
        Path("go").touch()
        assert first.wait() == second.wait() == 0


def test_ctrl_c_reaches_a_job_and_not_the_server(server):
    Path("script.py").write_text("import time; open('begun', 'w'); time.sleep(60)")
    with server.start("script.py") as job:
        wait_until(Path("begun").exists)
        for pid in (server.process.pid, job.pid):
            os.kill(pid, signal.SIGINT)
        assert job.wait() == -signal.SIGINT
    assert run(server, "pass") == 0


def test_jobs_end_with_the_server_and_later_ones_start_on_their_own(server):
    Path("script.py").write_text("import time; open('begun', 'w'); time.sleep(60)")
    with server.start("script.py") as job:
        wait_until(Path("begun").exists)
        server.process.kill()
        assert job.wait() == -signal.SIGKILL
        wait_until(lambda: not Path(f"/proc/{job.pid}").exists())
    assert server.start("script.py") is None


def test_only_scripts_as_snakemake_executes_them_are_forked():
    from snakemake.script import PythonScript

    def other(self, fname, edit=False):
        """Somebody else's."""

    own = PythonScript.execute_script
    try:
        PythonScript.execute_script = other
        fork_scripts()
        assert PythonScript.execute_script is other
    finally:
        PythonScript.execute_script = own
