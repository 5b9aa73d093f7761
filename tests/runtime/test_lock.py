"""One live run a folder; whole files or none; code as an input; a cache filled by one process at a time."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from songwise.errors import InputError
from songwise.files import remove_unfinished, replacing, write_json
from songwise.runtime import provenance
from songwise.runtime.lock import claim


@pytest.fixture(autouse=True)
def _no_run_before():
    """What `claim` tells the jobs that this process starts is forgotten after each test."""
    yield
    os.environ.pop("SONGWISE_RUN", None)


def start(code: str, folder, **options) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=folder, **options)


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
    with pytest.raises(InputError, match=f"another run is at work in this folder .process {holder.pid}."):
        claim(tmp_path)
    assert (tmp_path / ".snakemake" / "locks").exists()
    holder.kill()
    holder.wait()
    claim(tmp_path).close()
    assert not (tmp_path / ".snakemake" / "locks").exists()


def test_a_job_ends_when_its_run_is_gone(tmp_path):
    lock = claim(tmp_path)
    job = start(
        "from songwise.runtime.lock import end_with_run; import time; end_with_run(); print('on', flush=True); time.sleep(60)",
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


def ended(code: str, folder) -> tuple[int, str, str]:
    """The exit code of a job of this code, what it said, and its log."""
    lines = ["from pathlib import Path", "from songwise.runtime.job import job", "with job('x.log'):", f"    {code}"]
    job = start("\n".join(lines), folder, stderr=subprocess.PIPE, text=True)
    said = job.communicate()[1]
    return job.returncode, said, (folder / "x.log").read_text()


def test_a_full_disk_and_a_lack_of_memory_are_told_in_words_and_mistakes_leave_a_traceback_in_the_log(tmp_path):
    code, said, log = ended("Path('/dev/full').write_text('x')", tmp_path)
    assert code == 1 and said == log and "Traceback" not in said
    assert said.startswith("songwise: the disk is full (") and "run the same command again" in said
    code, said, log = ended("bytearray(1 << 62)", tmp_path)
    assert code == 1 and said == log and said.startswith("songwise: memory ran out; try again with fewer --cores")
    code, said, log = ended("1 / 0", tmp_path)
    assert code == 1 and "an error of songwise's own; see x.log" in said and "Traceback" not in said
    assert "Traceback" in log and log.endswith(said)


def test_a_log_that_cannot_be_written_hides_neither_the_error_nor_ends_in_a_traceback(tmp_path):
    (tmp_path / "x.log").symlink_to("/dev/full")
    job = start("from songwise.runtime.job import job\nwith job('x.log'): print('x')", tmp_path, stderr=subprocess.PIPE)
    said = job.communicate()[1].decode()
    assert job.returncode == 1 and said.startswith("songwise: the disk is full (") and "Traceback" not in said


def test_ctrl_c_before_the_first_job_is_answered_in_words(tmp_path):
    code = "from pathlib import Path; from songwise.runtime.lock import end_in_words; import time; end_in_words(Path())"
    run = start(f"{code}; print('on', flush=True); time.sleep(60)", tmp_path, stdout=-1, stderr=-1)
    assert run.stdout.readline() == b"on\n"
    run.send_signal(signal.SIGINT)
    assert run.communicate()[1] == b"songwise: stopped; the same command goes on from here\n" and run.returncode != 0


def test_what_a_killed_process_left_half_written_is_removed_and_nothing_else(tmp_path):
    code = """
    import os
    from pathlib import Path
    from songwise.files import replacing

    with replacing(Path("a/x.csv")) as file, replacing(Path("a/clips")) as folder:
        file.write_text("half")
        folder.mkdir()
        (folder / "1.wav").touch()
        os.kill(os.getpid(), 9)
    """
    start(code, tmp_path).wait()
    kept = [tmp_path / "a" / name for name in ("y.csv", ".y.ogg.part", ".12.csv")]
    for path in kept:
        path.touch()
    with replacing(tmp_path / "a/mine.csv") as mine:
        mine.touch()
        assert len(list((tmp_path / "a").iterdir())) == 3 + 3
        remove_unfinished(tmp_path)
        assert sorted((tmp_path / "a").iterdir()) == sorted([*kept, mine])


def test_a_file_is_whole_or_absent(tmp_path):
    write_json(tmp_path / "x.json", {"a": 1})
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "x.json") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_code_of_a_module_covers_what_it_imports(tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.py").write_text(
            {"a": "from songwise.b import f\n", "b": "def f(): return 1\n"}.get(name, "")
        )
    monkeypatch.setattr(provenance, "_PACKAGE", tmp_path)

    def code(name: str) -> str:
        for cached in (provenance.code_of, provenance._tree):
            cached.cache_clear()
        return provenance.code_of(name)

    a, c = code("a"), code("c")
    (tmp_path / "b.py").write_text("# why\ndef f():\n    return 1\n")
    assert code("a") == a
    (tmp_path / "b.py").write_text("def f(): return 2\n")
    assert code("a") != a and code("c") == c
    a = code("a")
    monkeypatch.setattr(provenance, "_version", lambda library: "99")
    (tmp_path / "b.py").write_text("import numpy\ndef f(): return 2\n")
    newer = code("a")
    monkeypatch.setattr(provenance, "_version", lambda library: "100")
    assert len({a, newer, code("a")}) == 3
    provenance.code_of.cache_clear()
    provenance._tree.cache_clear()


def test_numbas_cache_is_filled_once_by_one_process_while_others_wait(tmp_path):
    code = """
    import sys, time
    from songwise.features.numba_cache import fill_cache
    def run():
        print("run")
        time.sleep(0.5)
        print(time.time())
    fill_cache("step", run)
    print(time.time(), flush=True)
    """

    def printed() -> list[list[str]]:
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        jobs = [start(code, tmp_path, stdout=subprocess.PIPE, env=environment) for _ in range(3)]
        return sorted((job.communicate()[0].split() for job in jobs), key=len)

    *others, (_, filled, _) = printed()
    assert [len(words) for words in others] == [1, 1]
    assert all(float(went_on) >= float(filled) for (went_on,) in others)
    assert [len(words) for words in printed()] == [1, 1, 1]
