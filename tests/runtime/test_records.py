"""Snakemake's records: without one that it can compare, nobody knows what made a file."""

import json
import shutil

import snakemake.jobs
from helpers.project import jobs
from helpers.project import snakemake as run_snakemake

from songwise.runtime.records import repeat_unrecorded

SNAKEFILE = """
from songwise.runtime.records import repeat_unrecorded

repeat_unrecorded()

rule copy:
    output: "b"
    params: value=config["value"]
    shell: "echo {params.value} > {output}"
"""


def run(folder, value: int, *words: str) -> str:
    done = run_snakemake(folder, "--cores", "1", *words, "--config", f"value={value}")
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_file_without_a_record_is_made_again_and_then_has_one(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    run(tmp_path, 1)
    assert "Nothing to be done" in run(tmp_path, 1)
    shutil.rmtree(tmp_path / ".snakemake")
    planned = run(tmp_path, 2, "-n")
    assert jobs(planned) == {"copy": 1}
    assert "reason: Snakemake has no record" in planned
    run(tmp_path, 2)
    assert (tmp_path / "b").read_text() == "2\n"
    assert "Nothing to be done" in run(tmp_path, 2)


def test_a_file_with_a_record_of_an_older_format_is_made_again(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    run(tmp_path, 1)
    (record,) = (tmp_path / ".snakemake/metadata").iterdir()
    record.write_text(json.dumps(json.loads(record.read_text()) | {"record_format_version": 5}))
    run(tmp_path, 2)
    assert (tmp_path / "b").read_text() == "2\n"
    assert "Nothing to be done" in run(tmp_path, 2)


def test_another_version_of_snakemake_keeps_its_own_reasons(monkeypatch):
    class Reason:
        finished = False

        def __bool__(self):
            return False

        def __str__(self):
            return "own words"

    monkeypatch.setattr(snakemake.jobs, "Reason", Reason)
    repeat_unrecorded()
    assert not Reason()
    assert str(Reason()) == "own words"
    monkeypatch.delattr(snakemake.jobs, "Reason")
    repeat_unrecorded()
