"""One live run a folder; whole files or none; code as an input; a cache filled by one process at a time."""

import json
import os
import subprocess
import sys
import textwrap
import time

import pytest

from songwise import provenance
from songwise.errors import InputError
from songwise.files import replacing, write_json
from songwise.runs import claim


def start(code: str, folder, **options) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=folder, **options)


def test_a_live_run_is_not_joined_and_a_killed_one_is_cleared(tmp_path):
    (tmp_path / ".snakemake" / "locks").mkdir(parents=True)
    holder = start(
        """
        from pathlib import Path
        from songwise.runs import claim

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
        "from songwise.runs import end_with_run; import time; end_with_run(); print('on', flush=True); time.sleep(60)",
        tmp_path,
        stdout=subprocess.PIPE,
    )
    assert job.stdout.readline() == b"on\n"
    time.sleep(1)
    assert job.poll() is None
    lock.close()
    assert job.wait(timeout=10) == 1


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
    from songwise.compiled import fill_cache
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
